"""What runs inside a task of Airflow."""
