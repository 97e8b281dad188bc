"""A real Airflow on this machine, for as long as a run takes."""
