"""OpenTelemetry spans of what floe compiles and runs."""
