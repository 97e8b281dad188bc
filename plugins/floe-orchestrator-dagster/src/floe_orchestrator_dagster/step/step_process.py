"""The process of a step, if the executor runs it in a process of its own."""

from __future__ import annotations

import signal

from floe_core.execution import end_with_parent
from floe_orchestrator_dagster.internals import is_process_of_step


def end_with_run() -> None:
    """Make this process end when that of its run does, as nothing else receives its events.

    Do nothing in the run's own process: a run goes on without the process that launched it.
    """
    if is_process_of_step():
        end_with_parent(signal.SIGINT)
