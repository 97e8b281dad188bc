"""Checks of the user's files that do not require dbt."""
