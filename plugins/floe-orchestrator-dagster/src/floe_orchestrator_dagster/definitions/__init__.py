"""What Dagster loads: assets, checks, jobs."""
