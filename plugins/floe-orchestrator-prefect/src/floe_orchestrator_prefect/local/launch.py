"""Run a product on Prefect from here: a process of its own, a real flow run, events live."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from floe_core.build_events import BuildEvent, NodeResult, from_line
from floe_core.errors import EnvironmentProblemError, UsageError
from floe_core.plugin_powers import RunOptions, RunReport
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.local.local_home import local_home
from floe_orchestrator_prefect.local.run_order import RunEnd, RunOrder, end_in
from floe_orchestrator_prefect.local.run_process import run_process


def launch(
    artifacts: CompiledArtifacts, options: RunOptions, on_event: Callable[[BuildEvent], None]
) -> RunReport:
    """Run to the end and report. See `RunLauncher`."""
    project_dir = _checked(artifacts, options)
    home = local_home(project_dir)
    log = home / "launched" / f"{time.time_ns()}.log"
    nodes: dict[str, NodeResult] = {}
    end: RunEnd | None = None
    with run_process(RunOrder.of(str(project_dir), options), home, log) as process:
        for line in process.lines():
            end = end_in(line)
            if end is None:
                event = from_line(line)
                if isinstance(event, NodeResult):
                    nodes[event.unique_id] = event
                on_event(event)
    if end is None:
        raise EnvironmentProblemError(_unfinished(log, process.process.returncode))
    return RunReport(end.status, end.run_id, end.seconds, nodes, end.message, _further(home, log))


def _checked(artifacts: CompiledArtifacts, options: RunOptions) -> Path:
    """Return the folder to run in.

    Raises:
        UsageError: There is none, or the job or a node is none of the product's.
    """
    if artifacts.project_dir is None:
        raise UsageError("these artifacts come from no folder; use CompiledArtifacts.load(folder)")
    artifacts.job(options.job)
    known = {node.unique_id for node in artifacts.runnable}
    strangers = sorted(set(options.node_ids or ()) - known)
    if strangers:
        raise UsageError(f"{artifacts.product.name} runs no node {', '.join(strangers)}")
    if options.node_ids == ():
        raise UsageError("the selection holds no node, so there is nothing to run")
    return artifacts.project_dir


def _further(home: Path, log: Path) -> list[str]:
    """Return where a person finds the run: Prefect's pages, and what the process wrote."""
    return [
        f"Prefect's pages, with this run in them: PREFECT_HOME={home} prefect server start",
        f"log of the run's process: {log}",
    ]


def _unfinished(log: Path, exit_code: int | None) -> str:
    """Return what a process that ended without a report left behind."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    said = "\n".join(lines[-15:]) or "it wrote nothing"
    return f"Prefect's process ended with {exit_code} before the run did; {log} ends with\n{said}"
