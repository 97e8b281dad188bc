"""The way of lineage events from the spool to a backend."""
