"""Sizes of pods."""
