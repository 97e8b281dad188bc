"""Tracing: OpenTelemetry spans of compile, runs and nodes.

Only `span_sender`, `span_exporters` and `parent_context` import OpenTelemetry, and they are
imported only where spans are wanted.
"""
