"""Run a product on Prefect from here: a process of its own, a real flow run, events live."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from floe_core.build_events import BuildEvent
from floe_core.errors import EnvironmentProblemError
from floe_core.launched_run.launch import order_for, run_ordered
from floe_core.launched_run.lost_run import report_lost_run
from floe_core.launched_run.run_process import RunProgram
from floe_core.plugin_powers import RunOptions, RunReport
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.local.local_home import local_environment, local_home
from floe_orchestrator_prefect.local.migrated_database import prepare_database

MODULE = "floe_orchestrator_prefect.local.launched_run"


def launch(
    artifacts: CompiledArtifacts, options: RunOptions, on_event: Callable[[BuildEvent], None]
) -> RunReport:
    """Run to the end and report. See `RunLauncher`."""
    order = order_for(artifacts, options)
    home = local_home(Path(order.project_dir))
    prepare_database(home)
    run = run_ordered(_program(home), order, home / "launched", on_event)
    if run.end is None:
        report_lost_run(artifacts, order, run)
        raise EnvironmentProblemError(run.problem)
    return RunReport(
        status=run.end.status,
        run_id=run.end.run_id,
        seconds=run.end.seconds,
        nodes=run.nodes,
        message=run.end.message,
        look_further=_further(home, run.log),
    )


def _program(home: Path) -> RunProgram:
    return RunProgram(
        orchestrator="Prefect",
        module=MODULE,
        # Not the product's: a prefect.toml or .env in it would be read.
        folder=home,
        environment=local_environment(home),
        patience=30.0,
    )


def _further(home: Path, log: Path) -> list[str]:
    """Return where a person finds the run: Prefect's pages, and what the process wrote."""
    return [
        f"Prefect's pages, with this run in them: PREFECT_HOME={home} prefect server start",
        f"log of the run's process: {log}",
    ]
