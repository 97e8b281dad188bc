"""Alerts: reports the ends of DAG runs, as Airflow recorded them, and missed deadlines."""
