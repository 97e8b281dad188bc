"""Analyze the code of nodes without running it."""
