"""Derive column lineage from SQL."""
