"""floe: write a data product once, run it on any orchestrator."""

from importlib.metadata import version

from floe_orchestration.namesakes import refuse_namesakes

refuse_namesakes()
__version__ = version("floe-orchestration")
