"""The checks, one module for each thing that the interface asks of a plugin."""
