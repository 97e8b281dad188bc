"""Helm values and sizes of pods."""
