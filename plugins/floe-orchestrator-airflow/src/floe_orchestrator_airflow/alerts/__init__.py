"""Alerts: the ends of DAG runs, reported as Airflow has them, and missed deadlines."""
