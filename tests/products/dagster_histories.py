"""Histories on Dagster: its daemon's own tick of sensors, on an instance in SQLite.

Between two looks at the ledger lie ten seconds of Dagster's clock, and none of ours.
"""

from __future__ import annotations

import logging
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter
from dagster._core.instance.ref import InstanceRef
from dagster._core.remote_representation.external import RemoteSensor
from dagster._core.test_utils import freeze_time
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import GrpcServerTarget
from dagster._daemon.sensor import execute_sensor_iteration
from dagster_process import dagster_process
from forked_runs import ForkedRuns, execute_by_hand
from free_port import free_port
from history_mesh import FORKS, IMPORTED, HistoryMesh
from update_histories import RULES
from wait_for import wait_for

INSTANCE = """\
telemetry: {enabled: false}
run_coordinator: {module: dagster, class: QueuedRunCoordinator}
run_launcher: {module: forked_runs, class: ForkedRuns}
"""
CONSUMERS = """\
from pathlib import Path

from dagster import Definitions, in_process_executor
from floe_orchestrator_dagster import load_product_definitions

here = Path(__file__).parent
defs = Definitions.merge(
    *(load_product_definitions(name, here / name) for name in NAMES),
    Definitions(executor=in_process_executor),
)
"""
# Where a tick may be interrupted, as Dagster's own tests name it.
POINTS = ("TICK_CREATED", "TICK_HELD", "RUN_IDS_RESERVED", "RUN_CREATED", "RUN_LAUNCHED")
ENDS = {DagsterRunStatus.SUCCESS: "success", DagsterRunStatus.FAILURE: "failed"}
BETWEEN_LOOKS = timedelta(seconds=11)
TO_START = 60.0
TO_END = 300.0
LOCATION = "consumers"


@contextmanager
def workspace_of(instance: DagsterInstance, port: int) -> Iterator[WorkspaceProcessContext]:
    """Give the workspace that a daemon has: the code server that listens on a port."""
    target = GrpcServerTarget("127.0.0.1", port, None, LOCATION)
    with WorkspaceProcessContext(instance, target) as workspace:
        yield workspace


class DagsterPlayer:
    """The consumers in a Dagster whose daemon looks when told to. A `seed` says when it dies."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self.mesh = HistoryMesh(folder / "mesh", "dagster")
        self.meshes = [self.mesh]
        FORKS.set_forkserver_preload([*IMPORTED, "dagster_histories", "floe_orchestrator_dagster"])
        self._home = folder / "home"
        self._home.mkdir()
        (self._home / "dagster.yaml").write_text(INSTANCE)
        names = repr(tuple(RULES))
        (self.mesh.folder / "consumers.py").write_text(CONSUMERS.replace("NAMES", names))
        self._chance = random.Random(seed)
        self._now = datetime.now(UTC)
        self._is_away = False
        # Runs under way: how many had begun when they were launched, and their processes.
        self._running: dict[str, list[tuple[int, BaseProcess]]] = {name: [] for name in RULES}

    @contextmanager
    def up(self) -> Iterator[None]:
        """Serve the consumers' code while the block lasts."""
        self._port = free_port()
        file = self.mesh.folder / "consumers.py"
        place = ["-f", file, "-h", "127.0.0.1", "-p", self._port, "--location-name", LOCATION]
        here = {"PYTHONPATH": str(Path(__file__).parent)}
        server = ["dagster", "api", "grpc", *place]
        with (
            dagster_process(server, self._home, variables=here),
            DagsterInstance.from_config(str(self._home)) as self._instance,
            workspace_of(self._instance, self._port) as self._workspace,
        ):
            wait_for(self._is_loaded, TO_START)
            try:
                yield
            finally:
                self.mesh.release_all()
                self._await_runs()

    def watch(self, what: str) -> None:
        if what == "bounce":
            self.die_in_a_tick(self._chance.choice(list(RULES)), self._chance.choice(POINTS))
        else:
            self._is_away = what == "away"

    def take(self, what: str, consumer: str) -> None:
        if what == "pause":
            self._instance.stop_sensor(
                self._sensor(consumer).get_remote_origin_id(),
                self._sensor(consumer).selector_id,
                self._sensor(consumer),
            )
        elif what == "resume":
            self._instance.start_sensor(self._sensor(consumer))
        else:
            assert what == "by hand", what
            self._run_by_hand(consumer)

    def settle(self, is_as_expected: Callable[[], bool]) -> None:
        self._await_runs()
        while not self._is_away:
            self._tick()
            if not self._launch_queued():
                return
            self._await_runs()

    def ends(self, consumer: str) -> list[str]:
        runs = self._instance.get_runs(RunsFilter(job_name=consumer))
        return [ENDS.get(run.status, "on") for run in reversed(runs)]

    def _tick(self) -> None:
        self._now += BETWEEN_LOOKS
        problems = tick(self._workspace, self._now, {})
        assert not problems, problems

    def let_time_pass(self, time: timedelta) -> None:
        """Have Dagster's clock go on, and not that of the ledger."""
        self._now += time

    def die_in_a_tick(self, consumer: str, point: str) -> int | None:
        """Have a daemon look that is killed on the way, if it gets there; return its exit code."""
        self.let_time_pass(BETWEEN_LOOKS)
        where = (self._sensor(consumer).name, point)
        arguments = (self._instance.get_ref(), self._port, self._now, where)
        process = FORKS.Process(target=die_in_a_tick, args=arguments)
        process.start()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
        return process.exitcode

    def _launch_queued(self) -> bool:
        queued = self._instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.QUEUED]))
        for run in reversed(queued):
            before = len(self.mesh.begun(run.job_name))
            self._instance.launch_run(run.run_id, self._workspace.create_request_context())
            launcher = self._instance.run_launcher
            assert isinstance(launcher, ForkedRuns)
            job, process = launcher.started.pop()
            self._running[job].append((before, process))
        return bool(queued)

    def _run_by_hand(self, consumer: str) -> None:
        location = self._workspace.create_request_context().get_code_location(LOCATION)
        [repository] = location.get_repositories().values()
        origin = repository.get_full_job(consumer).get_python_origin()
        before = len(self.mesh.begun(consumer))
        process = FORKS.Process(target=execute_by_hand, args=(self._instance.get_ref(), origin))
        process.start()
        self._running[consumer].append((before, process))

    def _await_runs(self) -> None:
        """Wait for the end of each run, for its beginning where something holds it."""
        for name, running in self._running.items():
            for before, process in list(running):
                # One that neither ends nor begins, as a second beside one that is held, is shown so.
                deadline = time.monotonic() + TO_END
                while process.is_alive() and not self._is_held(name, before):
                    if time.monotonic() > deadline:
                        break
                    time.sleep(0.05)
                if not process.is_alive():
                    running.remove((before, process))

    def _is_held(self, consumer: str, before: int) -> bool:
        held = (self.mesh.folder / consumer / "held").exists()
        return held and len(self.mesh.begun(consumer)) > before

    def _sensor(self, consumer: str) -> RemoteSensor:
        location = self._workspace.create_request_context().get_code_location(LOCATION)
        [repository] = location.get_repositories().values()
        return repository.get_sensor(f"{consumer}_updates")

    def _is_loaded(self) -> bool:
        self._workspace.refresh_workspace()
        return self._workspace.create_request_context().has_code_location(LOCATION)


def tick(
    workspace: WorkspaceProcessContext, moment: datetime, crashes: dict[str, dict[str, int]]
) -> list[object]:
    """Have the daemon evaluate every sensor once; return what went wrong."""
    log = logging.getLogger("daemon")
    with freeze_time(moment):
        found = execute_sensor_iteration(workspace, log, None, None, debug_crash_flags=crashes)
        return [problem for problem in found if problem]


def die_in_a_tick(ref: InstanceRef, port: int, moment: datetime, where: tuple[str, str]) -> None:
    """Evaluate every sensor in a process that is killed at a point of one of them."""
    sensor, point = where
    with DagsterInstance.from_ref(ref) as instance, workspace_of(instance, port) as workspace:
        tick(workspace, moment, {sensor: {point: signal.SIGKILL}})
