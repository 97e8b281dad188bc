"""Analyze queries by their text."""
