"""Requests to a running Prefect, through its API."""
