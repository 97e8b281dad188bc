"""Run a product on Dagster from here: a process of its own, a real run, events as they happen."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from floe_core.build_events import BuildEvent, NodeResult, from_line
from floe_core.errors import EnvironmentProblemError, UsageError
from floe_core.plugin_powers import RunOptions, RunReport
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.local.dead_run import report_dead_run
from floe_orchestrator_dagster.local.instance_home import WORKSPACE, instance_home
from floe_orchestrator_dagster.local.run_order import RunEnd, RunOrder, end_in
from floe_orchestrator_dagster.local.run_process import run_process

# With less than this Dagster's instance cannot be written.
_LEAST_ROOM = 256 * 1024


def launch(
    artifacts: CompiledArtifacts, options: RunOptions, on_event: Callable[[BuildEvent], None]
) -> RunReport:
    """Run to the end and report. See `RunLauncher`."""
    order = _order(artifacts, options)
    home = instance_home(Path(order.project_dir), order.product)
    log = home / "launched" / f"{order.run_id}.log"
    nodes: dict[str, NodeResult] = {}
    end: RunEnd | None = None
    started = time.monotonic()
    with run_process(order, home, log) as process:
        for line in process.lines():
            end = end_in(line)
            if end is None:
                event = from_line(line)
                if isinstance(event, NodeResult):
                    nodes[event.unique_id] = event
                on_event(event)
    if end is None:
        reason = _unfinished(log, process.exit_code)
        report_dead_run(home, order.run_id, reason)
        raise EnvironmentProblemError(full_disk(home, reason) or reason)
    return RunReport(
        status=end.status,
        run_id=order.run_id,
        seconds=end.seconds or time.monotonic() - started,
        nodes=nodes,
        message=end.message,
        look_further=look_further(home, log),
    )


def look_further(home: Path, log: Path) -> list[str]:
    """Return where a person finds the run: Dagster's pages, and what the process wrote."""
    command = f"DAGSTER_HOME={home} dagster dev -w {home / WORKSPACE}"
    return [
        f"Dagster's pages, with this run in them: {command}",
        f"log of the run's process: {log}",
    ]


def _order(artifacts: CompiledArtifacts, options: RunOptions) -> RunOrder:
    if artifacts.project_dir is None:
        raise UsageError("these artifacts come from no folder; use CompiledArtifacts.load(folder)")
    job = artifacts.job(options.job)
    if options.node_ids is not None:
        _refuse_strangers(options.node_ids, artifacts)
    return RunOrder(
        product=artifacts.product.name,
        project_dir=str(artifacts.project_dir),
        run_id=str(uuid.uuid4()),
        job=job.name,
        node_ids=options.node_ids,
        nominal_time=options.nominal_time.isoformat() if options.nominal_time else "",
        range_start=options.range.start.isoformat() if options.range else "",
        range_end=options.range.end.isoformat() if options.range else "",
        vars=options.vars,
    )


def _refuse_strangers(node_ids: tuple[str, ...], artifacts: CompiledArtifacts) -> None:
    known = {node.unique_id for node in artifacts.runnable}
    strangers = sorted(set(node_ids) - known)
    if strangers:
        raise UsageError(f"{artifacts.product.name} runs no node {', '.join(strangers)}")
    if not node_ids:
        raise UsageError("the selection holds no node, so there is nothing to run")


def full_disk(home: Path, said: str) -> str:
    """Return that the disk is full, if that is why a run ended as it `said`; "" otherwise."""
    signs = ("No space left on device", "disk is full", "Disk quota exceeded")
    has_room = shutil.disk_usage(home).free >= _LEAST_ROOM
    if has_room and not any(sign in said for sign in signs):
        return ""
    return f"no space left on the disk of {home}: the run could not go on; make room and run again"


def _unfinished(log: Path, exit_code: int | None) -> str:
    """Return what a process that ended without a report left behind."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    said = "\n".join(lines[-15:]) or "it wrote nothing"
    return f"Dagster's process ended with {exit_code} before the run did; {log} ends with\n{said}"
