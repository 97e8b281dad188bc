"""Run a product on Dagster in a process of its own, and pass on events as they happen."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from shlex import quote

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.launched_run.launch import report_lost_run
from floe_core.plugin_api.launched_run.process_launcher import EndedRun, ProcessLauncher
from floe_core.plugin_api.launched_run.run_process import RunProgram
from floe_core.plugin_api.powers import RunReport, UncompiledProduct
from floe_orchestrator_dagster.local.instance_home import WORKSPACE, instance_home

MODULE = "floe_orchestrator_dagster.local.launched_run"
QUIET = {"DAGSTER_DISABLE_TELEMETRY": "yes", "DBT_SEND_ANONYMOUS_USAGE_STATS": "False"}
# With fewer free bytes than this, Dagster's instance cannot be written.
_LEAST_ROOM = 256 * 1024


def _make_home(product: UncompiledProduct) -> Path:
    return instance_home(product.folder, product.name)


def _report(ended: EndedRun) -> RunReport:
    order, run, home = ended.order, ended.run, ended.home
    if run.end is None:
        report_dead_run(home, order.run_id, run.problem)
        report_lost_run(ended.artifacts, order, run)
        raise EnvironmentProblemError(full_disk(home, run.problem) or run.problem)
    return RunReport(
        status=run.end.status,
        run_id=order.run_id,
        seconds=run.end.seconds or ended.seconds,
        nodes=run.nodes,
        message=run.end.message,
        look_further=look_further(home, run.log),
    )


def _program(product: UncompiledProduct, home: Path) -> RunProgram:
    return RunProgram(
        orchestrator="Dagster",
        module=MODULE,
        folder=product.folder,
        environment={**os.environ, **QUIET, "DAGSTER_HOME": str(home)},
        patience=20.0,
        imports=product.imports,
    )


def look_further(home: Path, log: Path) -> list[str]:
    """Return where a user finds more on the run: Dagster's UI, and the output of the process."""
    folder, workspace = quote(str(home)), quote(str(home / WORKSPACE))
    command = f"DAGSTER_HOME={folder} dagster dev -w {workspace}"
    return [
        f"Dagster's pages, with this run in them: {command}",
        f"log of the run's process: {log}",
    ]


def full_disk(home: Path, problem: str) -> str:
    """Return a message that the disk is full, if it is or if `problem` says so; otherwise ""."""
    signs = ("No space left on device", "disk is full", "Disk quota exceeded")
    has_room = shutil.disk_usage(home).free >= _LEAST_ROOM
    if has_room and not any(sign in problem for sign in signs):
        return ""
    return f"no space left on the disk of {home}: the run could not go on; make room and run again"


LAUNCHER = ProcessLauncher(_make_home, _program, _report)


def report_dead_run(home: Path, run_id: str, reason: str) -> None:
    """Mark the run as failed or canceled, unless it ended, never began, or cannot be written."""
    from sqlalchemy.exc import SQLAlchemyError

    # On a full disk the instance is not writable; the caller reports why the run ended.
    with suppress(OSError, SQLAlchemyError):
        _report_to_instance(home, run_id, reason)


def _report_to_instance(home: Path, run_id: str, reason: str) -> None:
    from dagster import DagsterRunStatus

    from floe_orchestrator_dagster.local.open_instance import open_instance
    from floe_orchestrator_dagster.step.internals import free_slots_of_run

    with open_instance(home) as instance:
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return
        if run.status is DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, reason)
        else:
            instance.report_run_failed(run, reason)
        # No daemon runs on this instance.
        free_slots_of_run(instance, run_id)
