"""floe: write a data product once, run it on any orchestrator."""

from importlib.metadata import version

__version__ = version("floe-core")
