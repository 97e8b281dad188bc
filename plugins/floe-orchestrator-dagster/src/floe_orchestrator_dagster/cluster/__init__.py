"""Helm values and pod sizes."""
