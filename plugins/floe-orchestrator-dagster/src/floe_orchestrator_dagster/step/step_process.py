"""The process of a step, where the executor gives it one of its own."""

from __future__ import annotations

import signal

from floe_core.execution import end_with_parent
from floe_orchestrator_dagster.internals import is_process_of_step


def end_with_run() -> None:
    """Have this process end with that of its run, which alone hears it.

    A step in the run's own process is left as it is: a run goes on without what launched it.
    """
    if is_process_of_step():
        end_with_parent(signal.SIGINT)
