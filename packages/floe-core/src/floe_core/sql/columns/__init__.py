"""Derive the columns of a query, and where each comes from."""
