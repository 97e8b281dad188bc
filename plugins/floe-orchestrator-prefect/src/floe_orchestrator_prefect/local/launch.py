"""Run a product on Prefect in a process of its own, and pass on events as they happen."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.launched_run.launch import report_lost_run
from floe_core.plugin_api.launched_run.process_launcher import EndedRun, ProcessLauncher
from floe_core.plugin_api.launched_run.run_process import RunProgram
from floe_core.plugin_api.powers import RunReport, UncompiledProduct
from floe_orchestrator_prefect.local.local_home import local_environment, local_home

MODULE = "floe_orchestrator_prefect.local.launched_run"


def _make_home(product: UncompiledProduct) -> Path:
    return local_home(product.folder)


def _report(ended: EndedRun) -> RunReport:
    run = ended.run
    if run.end is None:
        report_lost_run(ended.artifacts, ended.order, run)
        raise EnvironmentProblemError(run.problem)
    return RunReport(
        status=run.end.status,
        run_id=run.end.run_id,
        seconds=run.end.seconds,
        nodes=run.nodes,
        message=run.end.message,
        look_further=_further(ended.home, run.log),
    )


def _program(product: UncompiledProduct, home: Path) -> RunProgram:
    return RunProgram(
        orchestrator="Prefect",
        module=MODULE,
        # Not the product's folder: Prefect would read a prefect.toml or .env in it.
        folder=home,
        environment=local_environment(home),
        patience=30.0,
        imports=product.imports,
    )


def _further(home: Path, log: Path) -> list[str]:
    """Return where a user finds more on the run: Prefect's UI, and the output of the process."""
    return [
        "Prefect's pages, with this run in them: "
        f"PREFECT_HOME={quote(str(home))} prefect server start",
        f"log of the run's process: {log}",
    ]


LAUNCHER = ProcessLauncher(_make_home, _program, _report)
