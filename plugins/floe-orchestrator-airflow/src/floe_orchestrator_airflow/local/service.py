"""A local Airflow that is up for the length of a `with` block."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

from filelock import FileLock, Timeout

from floe_core.foundation.errors import EnvironmentProblemError, Problem, StaleProductError
from floe_core.schemas.compiled_artifacts import ARTIFACTS_FILE, CompiledArtifacts
from floe_core.storage.files import open_regular, write_together
from floe_core.storage.state_folder import state_folder
from floe_orchestrator_airflow.local.components import (
    answers,
    end,
    end_leftovers,
    listens,
    tree,
    write_host,
)
from floe_orchestrator_airflow.local.home import USER, Home
from floe_orchestrator_airflow.local.progress import STUCK_SECONDS, Progress
from floe_orchestrator_airflow.local.rest_api import RestApi, RestError
from floe_orchestrator_airflow.local.unstored_dags import output_since, why_absent, why_unstored
from floe_orchestrator_airflow.names.airflow_names import FILENAME, entry_point_text, is_entry_point

# As many as Airflow's own default pool has: here a pool is only a name and limits nothing.
POOL_SLOTS = 128
LOCK_SECONDS = 600.0
# The message to the host when the DAG files are ready.
READ_DAGS = b"read DAGs\n"
STOP_SECONDS = 12.0
# A component's name in Airflow's health report -> the component that runs it.
RUN_BY = {
    "metadatabase": "api-server",
    "scheduler": "scheduler",
    "dag_processor": "dag-processor",
    "triggerer": "triggerer",
}


class LocalAirflow:
    """api-server, scheduler, dag-processor and triggerer on this machine, on a SQLite database.

    A home has one Airflow at a time; its history and logs remain for the next. Ticks start runs
    only if it `follows_schedules`. `variables` are Airflow's own environment variables, which
    override floe's settings. floe gives up if an awaited component makes no progress for `patience`
    seconds. Without a `port`, its API is at any free one.
    """

    def __init__(
        self,
        folder: Path,
        *products: CompiledArtifacts,
        follows_schedules: bool = False,
        variables: Mapping[str, str] = MappingProxyType({}),
        patience: float = STUCK_SECONDS,
        port: int = 0,
    ) -> None:
        self.folder = folder
        self._products = products
        self._follows_schedules = follows_schedules
        self._variables = variables
        self.patience = patience
        self._port = port
        self._started_at = datetime.now(UTC)
        self._lock = FileLock(f"{folder}.lock", timeout=LOCK_SECONDS)
        self._showing = threading.Lock()
        self._output_read = 0
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def of_product(cls, artifacts: CompiledArtifacts) -> LocalAirflow:
        """Return the local Airflow of a compiled product, kept with the state of its runs."""
        return cls(state_folder(artifacts.folder) / "airflow", artifacts)

    def __enter__(self) -> LocalAirflow:
        self.start()
        try:
            self.come_up(*self._products)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, lock_seconds: float = LOCK_SECONDS) -> None:
        """Start its processes without waiting for them; it reads DAG files after `come_up`.

        Raises:
            EnvironmentProblemError: Another run has used it for `lock_seconds`.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(lock_seconds)
        except Timeout:
            meanwhile = f", {lock_seconds:.0f} s later, too" if lock_seconds else ""
            raise EnvironmentProblemError(
                f"another run uses the Airflow in {self.folder}{meanwhile}"
            ) from None
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def come_up(self, *products: CompiledArtifacts) -> None:
        """Give it the DAGs of products, and wait until it is healthy.

        Raises:
            EnvironmentProblemError: It ended, or makes no progress.
        """
        for artifacts in products:
            self._show(artifacts)
        assert self._process is not None
        assert self._process.stdin is not None
        # A process that has ended is reported below.
        with suppress(BrokenPipeError):
            self._process.stdin.write(READ_DAGS)
            self._process.stdin.flush()
        self._wait(self._find_unanswering, "starting")
        self.api.warm_up()
        self._wait(self._unhealthy, "starting")
        self.api.log_in()

    def kill(self) -> None:
        """Kill it at once, whatever it is doing."""
        if self._process is not None:
            end(tree(self._process.pid), patience=0)
        self.stop()

    def add(self, artifacts: CompiledArtifacts, dag_id: str) -> None:
        """Load a product's DAG as it is compiled now, create its pools, and unpause it.

        Raises:
            StaleProductError: The folder holds no compiled product.
            EnvironmentProblemError: Airflow could not read it.
        """
        for pool in artifacts.pools_of_builds:
            self.api.ensure_pool(pool, POOL_SLOTS)
        with self._showing:
            changed_at = max(self._show(artifacts), self._started_at)
        file = f"{artifacts.product.name}.py"
        if not self._is_parsed(dag_id, changed_at, file):
            known = self.api.dag(dag_id)
            if known is not None:
                self._request_parse(known["file_token"])
            self._wait(
                lambda: [] if self._is_stored(dag_id, changed_at, file) else ["dag-processor"],
                f"reading {dag_id}",
            )
        self._output_read = self.home.output.stat().st_size
        self.api.unpause(dag_id)

    def _is_stored(self, dag_id: str, changed_at: datetime, file: str) -> bool:
        if self._is_parsed(dag_id, changed_at, file):
            return True
        said = output_since(self.home.output, self._output_read)
        if trace := why_unstored(said, file):
            raise EnvironmentProblemError(f"Airflow read {dag_id}, but can't store it:\n{trace}")
        why = why_absent(said, file, changed_at)
        # It may have been stored since the first look.
        if why and not self._is_parsed(dag_id, changed_at, file):
            logs = self.home.folder / "logs" / "dag_processor"
            raise EnvironmentProblemError(
                f"Airflow read {file}, but has no {dag_id}: {why}; {logs}"
            )
        return bool(why)

    def _show(self, artifacts: CompiledArtifacts) -> datetime:
        """Give Airflow the product's DAGs, and return when the product last changed.

        If dag.py is the team's own, it may have other DAGs: then another file holds floe's.
        """
        name, folder = artifacts.product.name, artifacts.folder.resolve()
        compiled, entry_point = folder / ARTIFACTS_FILE, folder / FILENAME
        if not (compiled.is_file() and entry_point.is_file()):
            fix = "run `floe compile --on airflow` in the product folder"
            missing = entry_point if compiled.is_file() else compiled
            raise StaleProductError([Problem("the file is missing", fix, file=str(missing))])
        shown = self.home.dags / f"{name}.py"
        if is_entry_point(entry_point, name):
            _link(shown, entry_point)
        else:
            _write(shown, entry_point_text(name, folder))
        # The link's own time counts too: anything read before it came from another folder.
        states = (shown.lstat(), entry_point.stat(), compiled.stat())
        changed = [moment for state in states for moment in (state.st_mtime, state.st_ctime)]
        return datetime.fromtimestamp(max(changed), UTC)

    def _request_parse(self, file_token: str) -> None:
        try:
            self.api.request_parse(file_token)
        except RestError as error:
            # 409: it has been requested already.
            if error.status not in (404, 409):
                raise

    def _is_parsed(self, dag_id: str, changed_at: datetime, file: str) -> bool:
        errors = [
            error
            for error in self.api.import_errors()
            if Path(error["filename"]).name == file and datetime_of(error["timestamp"]) > changed_at
        ]
        if errors:
            trace = "\n\n".join(str(error["stack_trace"]) for error in errors)
            raise EnvironmentProblemError(f"Airflow could not read the product's dag.py:\n{trace}")
        dag = self.api.dag(dag_id)
        if not dag or dag["is_stale"] or not dag["last_parsed_time"]:
            return False
        # The time of a parse is that of its end: it may have read the product before the change.
        took = timedelta(seconds=dag["last_parse_duration"] or 0.0)
        return datetime_of(dag["last_parsed_time"]) - took > changed_at

    def _start(self) -> None:
        end_leftovers(self.folder)
        self.home = Home.prepare(
            self.folder, follows_schedules=self._follows_schedules, port=self._port
        )
        self._started_at, self._output_read = datetime.now(UTC), 0
        self.api = RestApi(self.home.url, USER, self.home.password)
        with open_regular(self.home.output, "wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "floe_orchestrator_airflow.local.host"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**self.home.environment(os.environ), **self._variables},
                cwd=self.folder,
                start_new_session=True,
            )
        write_host(self.folder, self._process.pid)

    def _find_unanswering(self) -> list[str]:
        assert self._process is not None
        try:
            self.api.ping()
        except RestError:
            return ["api-server"]
        # Another program may have taken the port since it was found free.
        return [] if listens(self._process.pid, self.home.port) else ["api-server"]

    def _unhealthy(self) -> list[str]:
        health = self.api.health()
        return [runs for name, runs in RUN_BY.items() if health.get(name) != "healthy"]

    def _wait(self, awaited: Callable[[], list[str]], doing: str) -> None:
        """Wait until there is no component left to wait for.

        Raises:
            EnvironmentProblemError: It ended, or makes no progress.
        """
        assert self._process is not None
        progress = Progress(self.folder, self._process.pid, self.patience)
        while names := awaited():
            self.check_alive(doing)
            if problem := progress.problem(names):
                raise self.stuck_error(doing, problem)
            time.sleep(0.2)

    def stuck_error(self, doing: str, problem: str) -> EnvironmentProblemError:
        """Return the error for an Airflow that is up but stuck, with the end of its output."""
        return EnvironmentProblemError(
            f"the local Airflow is stuck {doing}: {problem}; the end of "
            f"{self.home.output}:\n{self._last_words()}"
        )

    def check_alive(self, doing: str, seconds: float = 0.0) -> None:
        """Raise if it has ended, or ends within `seconds`.

        Raises:
            EnvironmentProblemError: It ended; includes the end of its output.
        """
        if self._process is None or not _has_ended(self._process, seconds):
            return
        # Its own server has ended, too.
        taken = (
            f"; another program listens at {self.home.url}"
            if answers("127.0.0.1", self.home.port)
            else ""
        )
        raise EnvironmentProblemError(
            f"the local Airflow ended while {doing}{taken}; the end of {self.home.output}:\n"
            f"{self._last_words()}"
        )

    def _last_words(self) -> str:
        return "\n".join(self.home.output.read_text(errors="replace").splitlines()[-20:])

    def stop(self) -> None:
        """End all its processes: the host does so itself when its input closes."""
        process, self._process = self._process, None
        try:
            if process is not None:
                _end_host(process)
            end_leftovers(self.folder)
        finally:
            self._lock.release()


def _has_ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Return whether a process has ended, after waiting up to `seconds` for it."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end_host(process: subprocess.Popen[bytes]) -> None:
    family = tree(process.pid)
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        end([*tree(process.pid), *family], patience=0)
        process.wait()
    end([member for member in family if member.is_running()], patience=0)


def datetime_of(text: Any) -> datetime:
    """Return the aware time that Airflow wrote."""
    return datetime.fromisoformat(str(text))


def _link(shown: Path, entry_point: Path) -> None:
    if not (shown.is_symlink() and shown.resolve() == entry_point):
        shown.unlink(missing_ok=True)
        shown.symlink_to(entry_point)


def _write(shown: Path, text: str) -> None:
    if shown.is_symlink() or not shown.is_file() or shown.read_text() != text:
        write_together(shown.parent, {shown.name: text.encode()})
