"""Schedules and their ticks, and how a running Airflow applies a changed schedule."""
