"""Requests to a running Airflow, through its REST API."""
