"""Schedules and their ticks, and how a running Dagster applies a changed schedule."""
