"""floe: write a data product once, run it on any orchestrator."""

__version__ = "0.1.0"
