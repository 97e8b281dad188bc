"""The process of a step, where the executor gives it one of its own."""

from __future__ import annotations

import multiprocessing
import signal

from dagster._core.executor import child_process_executor

from floe_core.execution import end_with_parent


def end_with_run() -> None:
    """Have this process end with that of its run, which alone hears it.

    A step in the run's own process is left as it is: a run goes on without what launched it.
    """
    # A Dagster without that function is left as it is.
    work = getattr(child_process_executor, "_execute_command_in_child_process", None)
    if work and getattr(multiprocessing.current_process(), "_target", None) is work:
        end_with_parent(signal.SIGINT)
