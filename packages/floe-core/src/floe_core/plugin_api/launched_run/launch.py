"""Launch a run in a process of its own, follow it to its end, and report one that was lost."""

from __future__ import annotations

import os
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from floe_core.execution import outcome_of_run, report_outcome
from floe_core.foundation.errors import UsageError
from floe_core.plugin_api.launched_run.run_order import RunEnd, RunOrder, end_in
from floe_core.plugin_api.launched_run.run_process import RunProcess, RunProgram, run_process
from floe_core.plugin_api.powers import RunOptions
from floe_core.runs.build_events import BuildEvent, NodeResult, from_line
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

# More than a guard gives its program.
END_SECONDS = 20.0


def end_served(process: subprocess.Popen[str]) -> None:
    """End a program of `start_guarded` with all processes that it started."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    # A guard that was killed has ended nothing of its group.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def last_lines(log: Path) -> str:
    """Return a phrase with the end of a program's log."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    tail = "\n".join(lines[-15:]) or "it wrote nothing"
    return f"{log} ends with\n{tail}"


@dataclass(frozen=True, slots=True)
class LaunchedRun:
    """A run that is over. `end` is None if its process died first; `problem` then says how.

    `nodes` maps node id to its result, `log` is what the process wrote.
    """

    nodes: dict[str, NodeResult]
    end: RunEnd | None
    log: Path
    problem: str = ""


class StartedRun:
    """A run whose process has started and waits for its order."""

    def __init__(self, orchestrator: str, run_id: str, process: RunProcess, log: Path) -> None:
        self.run_id = run_id
        self._orchestrator = orchestrator
        self._process = process
        self._log = log

    def cancel(self) -> None:
        """Interrupt the run from another thread, as a user's cancel does."""
        self._process.cancel()

    def has_ended(self) -> bool:
        """Return whether the process has ended, perhaps before its order."""
        return self._process.process.poll() is not None

    def follow(self, order: RunOrder, on_event: Callable[[BuildEvent], None]) -> LaunchedRun:
        """Send the order and follow the run to its end; `on_event` receives each event at once."""
        nodes: dict[str, NodeResult] = {}
        self._process.give(order)
        end = _follow(self._process, nodes, on_event)
        code = self._process.end()
        if end is not None:
            return LaunchedRun(nodes, end, self._log)
        ended = f"{self._orchestrator}'s process ended with {code} before the run did"
        return LaunchedRun(nodes, None, self._log, f"{ended}; {last_lines(self._log)}")


def order_for(artifacts: CompiledArtifacts, options: RunOptions, run_id: str = "") -> RunOrder:
    """Return the order of a run, with a new id if none is given.

    Raises:
        UsageError: The artifacts come from no folder, or have no such job or no such node.
    """
    artifacts.job(options.job)
    known = {node.unique_id for node in artifacts.runnable}
    strangers = sorted(set(options.node_ids or ()) - known)
    if strangers:
        raise UsageError(f"{artifacts.product.name} runs no node {', '.join(strangers)}")
    if options.node_ids == ():
        raise UsageError("the selection holds no node, so there is nothing to run")
    return RunOrder(str(artifacts.folder), run_id or new_run_id(), options)


def new_run_id() -> str:
    """Return an id that no other run has."""
    return str(uuid.uuid4())


@contextmanager
def started_run(program: RunProgram, run_id: str, logs: Path) -> Iterator[StartedRun]:
    """Start the process of a run; it ends with the block, whether or not it received its order.

    It writes to a file in the folder `logs`, named after the id.
    """
    log = logs / f"{run_id}.log"
    with run_process(program, log) as process:
        yield StartedRun(program.orchestrator, run_id, process, log)


def _follow(
    process: RunProcess, nodes: dict[str, NodeResult], on_event: Callable[[BuildEvent], None]
) -> RunEnd | None:
    end = None
    for line in process.lines():
        end = end_in(line)
        if end is None:
            event = from_line(line)
            if isinstance(event, NodeResult):
                nodes[event.unique_id] = event
            on_event(event)
    return end


def report_lost_run(artifacts: CompiledArtifacts, order: RunOrder, run: LaunchedRun) -> None:
    """Report that a run ended because its process died."""
    outcome = outcome_of_run(
        artifacts,
        order.options.job,
        order.run_id,
        succeeded=False,
        problem=run.problem,
        nominal_time=order.options.nominal_time,
    )
    report_outcome(artifacts, replace(outcome, results=outcome.results or run.nodes))
