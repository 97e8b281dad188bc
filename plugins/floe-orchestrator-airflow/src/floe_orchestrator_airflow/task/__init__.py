"""Code that runs inside an Airflow task."""
