"""Launch a run in a process of its own, and follow it to its end."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from floe_core.build_events import BuildEvent, NodeResult, from_line
from floe_core.errors import UsageError
from floe_core.launched_run.run_order import RunEnd, RunOrder, end_in
from floe_core.launched_run.run_process import RunProcess, RunProgram, run_process
from floe_core.plugin_powers import RunOptions
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


@dataclass(frozen=True, slots=True)
class LaunchedRun:
    """A run that is over. `end` is None if its process ended before it; `problem` then says how.

    `nodes` maps node id to its result, `log` is what the process wrote.
    """

    nodes: dict[str, NodeResult]
    end: RunEnd | None
    log: Path
    problem: str = ""


def order_for(artifacts: CompiledArtifacts, options: RunOptions) -> RunOrder:
    """Return the order of a run, under a new id.

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
    return RunOrder(str(artifacts.folder), str(uuid.uuid4()), options)


def run_ordered(
    program: RunProgram, order: RunOrder, logs: Path, on_event: Callable[[BuildEvent], None]
) -> LaunchedRun:
    """Run an order to its end; `on_event` receives each event as it happens.

    The process writes into a file of the folder `logs`, which is named after the order's run id.
    """
    log = logs / f"{order.run_id}.log"
    nodes: dict[str, NodeResult] = {}
    with run_process(program, order, log) as process:
        end = _follow(process, nodes, on_event)
    if end is not None:
        return LaunchedRun(nodes, end, log)
    ended = f"{program.orchestrator}'s process ended with {process.exit_code} before the run did"
    return LaunchedRun(nodes, None, log, f"{ended}; {_last_of(log)}")


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


def _last_of(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    said = "\n".join(lines[-15:]) or "it wrote nothing"
    return f"{log} ends with\n{said}"
