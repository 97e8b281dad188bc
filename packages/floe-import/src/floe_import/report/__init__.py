"""The report of an import."""
