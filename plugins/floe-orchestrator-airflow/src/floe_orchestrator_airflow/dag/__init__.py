"""The objects that Airflow loads: DAGs, their tasks, groups and assets."""
