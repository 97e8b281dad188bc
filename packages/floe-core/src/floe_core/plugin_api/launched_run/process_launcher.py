"""Launch the runs of a plugin whose orchestrator takes one process for a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from floe_core.plugin_api.launched_run.launch import (
    LaunchedRun,
    StartedRun,
    new_run_id,
    order_for,
    started_run,
)
from floe_core.plugin_api.launched_run.run_order import RunOrder
from floe_core.plugin_api.launched_run.run_process import RunProgram
from floe_core.plugin_api.powers import RunOptions, RunReport, UncompiledProduct
from floe_core.runs.build_events import BuildEvent
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run of a launcher that is over, as its plugin reports on it.

    `home` is the folder of the orchestrator's state, `seconds` how long the run took from its order
    to its end.
    """

    artifacts: CompiledArtifacts
    order: RunOrder
    run: LaunchedRun
    home: Path
    seconds: float


@dataclass(frozen=True, slots=True)
class ProcessLauncher:
    """Launches runs, each in a process of its own.

    `make_home` returns the folder of the orchestrator's state for a product, whose subfolder
    `launched` gets the logs. `make_program` returns what to run there. `report` returns the
    orchestrator's own report, and raises EnvironmentProblemError for a run without an end.
    """

    make_home: Callable[[UncompiledProduct], Path]
    make_program: Callable[[UncompiledProduct, Path], RunProgram]
    report: Callable[[EndedRun], RunReport]

    def launch_run(
        self,
        artifacts: CompiledArtifacts,
        options: RunOptions,
        on_event: Callable[[BuildEvent], None],
    ) -> RunReport:
        """Run to the end and report. See `RunLauncher`."""
        order = order_for(artifacts, options)
        product = UncompiledProduct(Path(order.project_dir), artifacts.product.name)
        with self._started(product, order.run_id) as process:
            return process.run(artifacts, order, on_event)

    @contextmanager
    def start_early(self, product: UncompiledProduct) -> Iterator[StartedProcess]:
        """See `EarlyStarter`."""
        with self._started(product, new_run_id()) as process:
            yield process

    @contextmanager
    def _started(self, product: UncompiledProduct, run_id: str) -> Iterator[StartedProcess]:
        home = self.make_home(product)
        with started_run(self.make_program(product, home), run_id, home / "launched") as run:
            yield StartedProcess(self, run, home)


@dataclass(frozen=True, slots=True)
class StartedProcess:
    """A process that has started and waits for its order."""

    _launcher: ProcessLauncher
    _run: StartedRun
    _home: Path

    def launch_run(
        self,
        artifacts: CompiledArtifacts,
        options: RunOptions,
        on_event: Callable[[BuildEvent], None],
    ) -> RunReport:
        """See `RunLauncher`."""
        return self.run(artifacts, order_for(artifacts, options, self._run.run_id), on_event)

    def cancel(self) -> None:
        """See `DevRun`."""
        self._run.cancel()

    def has_ended(self) -> bool:
        """See `DevRun`."""
        return self._run.has_ended()

    def run(
        self, artifacts: CompiledArtifacts, order: RunOrder, on_event: Callable[[BuildEvent], None]
    ) -> RunReport:
        """Run an order to its end and report."""
        began = time.monotonic()
        run = self._run.follow(order, on_event)
        seconds = time.monotonic() - began
        return self._launcher.report(EndedRun(artifacts, order, run, self._home, seconds))
