"""Alerts: the ends of runs, reported as Dagster's instance has them."""
