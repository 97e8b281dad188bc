"""The definitions that Dagster loads: assets, asset checks and jobs."""
