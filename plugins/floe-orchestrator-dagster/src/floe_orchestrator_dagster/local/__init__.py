"""Runs that `floe run` starts on this machine."""
