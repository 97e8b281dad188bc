"""Checks of what people wrote that need no dbt."""
