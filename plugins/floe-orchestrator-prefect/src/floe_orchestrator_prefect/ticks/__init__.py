"""Schedules and their ticks, and how a running Prefect applies a changed schedule."""
