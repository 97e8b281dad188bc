"""What Airflow loads: DAGs, their tasks, groups and assets."""
