"""What is written to disk first and sent in the background: lineage events, alerts."""
