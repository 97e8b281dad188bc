"""Tasks of Airflow that call dbt in Bash."""
