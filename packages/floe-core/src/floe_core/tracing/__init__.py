"""Tracing: spans of compile, runs and nodes, which the package floe-tracing sends."""
