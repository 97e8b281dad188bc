"""Send lineage events from the spool to a backend."""
