"""Tracing: OpenTelemetry spans of compile, runs and nodes.

Only `span_sender` and the modules it imports use OpenTelemetry, and it is imported only if spans
are wanted.
"""
