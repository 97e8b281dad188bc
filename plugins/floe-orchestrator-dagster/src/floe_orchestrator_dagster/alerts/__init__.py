"""Alerts: reports the ends of runs, as recorded in the Dagster instance."""
