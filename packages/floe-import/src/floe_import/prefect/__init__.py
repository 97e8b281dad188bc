"""Flows that call dbt with prefect-dbt."""
