"""Find which module declares a behavior flag without reading the source of every caller.

dbt uses `inspect.stack()`, once for each flag of an adapter that names no module. It looks up the
line of each frame in its file and among all modules of the process: 0.05 s of CPU time in dbt's own
process and 0.1 s in an orchestrator's. A frame whose file does not exist, as in a worker of
pytest-xdist, is looked up each time: half of the CPU time of a parse.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager

from floe_core.dbt.lighter_dbt.known_source import are_known, replaced


@contextmanager
def direct_flag_sources() -> Iterator[None]:
    """Make dbt read the module directly from the callers' frames, inside the block."""
    try:
        from dbt_common.behavior_flags import BehaviorFlagRendered as Flag
    except ImportError:
        yield
        return
    if not are_known(getattr(Flag, "_default_source", None)):
        yield
        return

    def calling_module() -> str:
        frame = inspect.currentframe()
        while frame := frame and frame.f_back:
            module = frame.f_globals.get("__name__")
            if module and module != Flag.__module__:
                return str(module)
        return "Unknown"

    with replaced(Flag, "_default_source", staticmethod(calling_module)):
        yield
