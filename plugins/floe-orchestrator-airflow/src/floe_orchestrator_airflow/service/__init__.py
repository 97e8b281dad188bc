"""The running Airflow, asked through its REST API."""
