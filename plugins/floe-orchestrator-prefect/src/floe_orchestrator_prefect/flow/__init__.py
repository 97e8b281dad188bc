"""The objects that Prefect loads: flows and the tasks of nodes."""
