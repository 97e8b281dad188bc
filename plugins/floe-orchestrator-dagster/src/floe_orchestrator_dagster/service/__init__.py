"""Requests to a running Dagster, through GraphQL."""
