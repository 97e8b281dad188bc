"""What floe shares with dagster-dbt, an optional package: its translators, metadata and helpers."""
