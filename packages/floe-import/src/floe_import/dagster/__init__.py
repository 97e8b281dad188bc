"""Definitions of Dagster that run dbt with dagster-dbt."""
