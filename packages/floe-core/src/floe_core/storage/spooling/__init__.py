"""Spool lineage events and alerts: write them to disk first, send them in the background."""
