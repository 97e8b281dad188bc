"""Run a product on Prefect in a process of its own, and pass on events as they happen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

from floe_core.build_events import BuildEvent
from floe_core.errors import EnvironmentProblemError
from floe_core.launched_run.launch import StartedRun, new_run_id, order_for, started_run
from floe_core.launched_run.lost_run import report_lost_run
from floe_core.launched_run.run_order import RunOrder
from floe_core.launched_run.run_process import RunProgram
from floe_core.plugin_powers import RunOptions, RunReport, UncompiledProduct
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.local.local_home import local_environment, local_home

MODULE = "floe_orchestrator_prefect.local.launched_run"


def launch(
    artifacts: CompiledArtifacts, options: RunOptions, on_event: Callable[[BuildEvent], None]
) -> RunReport:
    """Run to the end and report. See `RunLauncher`."""
    order = order_for(artifacts, options)
    with _started(UncompiledProduct(Path(order.project_dir), ""), order.run_id) as started:
        return started.run(artifacts, order, on_event)


@contextmanager
def start_early(product: UncompiledProduct) -> Iterator[StartedPrefect]:
    """See `EarlyStarter`."""
    with _started(product, new_run_id()) as started:
        yield started


class StartedPrefect:
    """Prefect's process, which starts its server and waits for its order, and its home folder."""

    def __init__(self, home: Path, run: StartedRun) -> None:
        self._home = home
        self._run = run

    def launch_run(
        self,
        artifacts: CompiledArtifacts,
        options: RunOptions,
        on_event: Callable[[BuildEvent], None],
    ) -> RunReport:
        """See `RunLauncher`."""
        return self.run(artifacts, order_for(artifacts, options, self._run.run_id), on_event)

    def run(
        self, artifacts: CompiledArtifacts, order: RunOrder, on_event: Callable[[BuildEvent], None]
    ) -> RunReport:
        """Run an order to its end and report."""
        run = self._run.follow(order, on_event)
        if run.end is None:
            report_lost_run(artifacts, order, run)
            raise EnvironmentProblemError(run.problem)
        return RunReport(
            status=run.end.status,
            run_id=run.end.run_id,
            seconds=run.end.seconds,
            nodes=run.nodes,
            message=run.end.message,
            look_further=_further(self._home, run.log),
        )


@contextmanager
def _started(product: UncompiledProduct, run_id: str) -> Iterator[StartedPrefect]:
    home = local_home(product.folder)
    with started_run(_program(home, product.imports), run_id, home / "launched") as run:
        yield StartedPrefect(home, run)


def _program(home: Path, imports: tuple[str, ...]) -> RunProgram:
    return RunProgram(
        orchestrator="Prefect",
        module=MODULE,
        # Not the product's folder: Prefect would read a prefect.toml or .env in it.
        folder=home,
        environment=local_environment(home),
        patience=30.0,
        imports=imports,
    )


def _further(home: Path, log: Path) -> list[str]:
    """Return where a user finds more on the run: Prefect's UI, and the output of the process."""
    return [
        "Prefect's pages, with this run in them: "
        f"PREFECT_HOME={quote(str(home))} prefect server start",
        f"log of the run's process: {log}",
    ]
