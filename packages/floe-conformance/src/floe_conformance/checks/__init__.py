"""The checks, one module for each thing that the interface requires of a plugin."""
