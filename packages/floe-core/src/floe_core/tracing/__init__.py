"""Tracing: OpenTelemetry spans of compile, runs and nodes.

Only `span_sender` and what it imports import OpenTelemetry, and it is imported only where spans are
wanted.
"""
