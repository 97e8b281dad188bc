"""What Prefect loads: flows and the tasks of nodes."""
