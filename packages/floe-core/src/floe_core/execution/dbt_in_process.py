"""Run dbt in a thread of this process."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from typing import TYPE_CHECKING, Any

from floe_core.build_events import BuildEvent, NodeLog
from floe_core.execution.built_columns import keep_columns
from floe_core.execution.dbt_messages import FINISHED, DbtMessages, is_of_interest
from floe_core.execution.dbt_run import DbtEnded
from floe_core.execution.internals import (
    cancel_queries,
    cancel_queries_of,
    release_adapters,
    release_warehouse,
)
from floe_core.execution.invocation import QUIET_ENVIRONMENT, Invocation
from floe_core.execution.preloaded_manifest import preload_manifest, renew_metadata
from floe_core.garbage_collection import seldom_collecting
from floe_core.process_environment import environment_with
from floe_core.warehouse.duckdb_file import PROJECT_DIR_VARIABLE

if TYPE_CHECKING:
    from floe_core.execution.internals import Manifest

# dbt keeps its flags, adapters and event manager in module globals: one invocation a process.
_ONE_DBT = threading.Lock()

CANCEL_SECONDS = 0.2


class BuildCanceledError(Exception):
    """Raised inside dbt to keep a node from starting after a cancel."""


class InProcessDbt:
    """dbt's own runner in a daemon thread, its events through a queue."""

    def __init__(self, call: Invocation, dbt_version: str) -> None:
        self._call = call
        self._dbt_version = dbt_version
        self._events: queue.SimpleQueue[BuildEvent | DbtEnded] = queue.SimpleQueue()
        self._messages = DbtMessages()
        self._canceled = threading.Event()
        # Hooks can read the name of dbt's own thread; plain dbt runs in this one.
        self._thread = threading.Thread(target=self._run, name="MainThread", daemon=True)
        self._thread.start()

    def next_event(self, timeout: float | None) -> BuildEvent | DbtEnded | None:
        """See `DbtRun.next_event`."""
        try:
            return self._events.get(timeout=timeout)
        except queue.Empty:
            return None

    def cancel(self) -> None:
        """See `DbtRun.cancel`."""
        self._canceled.set()
        threading.Thread(
            target=self._cancel_until_over, name="floe-dbt-cancel", daemon=True
        ).start()

    def cancel_node(self, unique_id: str) -> None:
        """See `DbtRun.cancel_node`."""
        cancel_queries_of(unique_id)

    def close(self, patience: float) -> bool:
        """See `DbtRun.close`."""
        self._thread.join(patience)
        return not self._thread.is_alive()

    def _cancel_until_over(self) -> None:
        """Cancel what runs, again and again: a node that has begun may be just about to ask."""
        while self._thread.is_alive():
            cancel_queries()
            self._thread.join(CANCEL_SECONDS)

    def _run(self) -> None:
        end = DbtEnded("dbt ended without a word", succeeded=False)
        try:
            environment = {**QUIET_ENVIRONMENT, PROJECT_DIR_VARIABLE: str(self._call.project_dir)}
            with _ONE_DBT, environment_with(environment), seldom_collecting():
                end = self._invoke()
        finally:
            self._events.put(end)

    def _invoke(self) -> DbtEnded:
        from dbt.cli.main import dbtRunner

        manifest = self._preload()
        # dbt reads relative paths in SQL, profiles and macros from the folder it runs in.
        with _untouched_logging(), chdir(self._call.project_dir):
            outcome = dbtRunner(manifest=manifest, callbacks=self._callbacks(manifest)).invoke(
                [*self._call.arguments, "--log-level", "none"]
            )
            release_warehouse()
            release_adapters()
        problem = str(outcome.exception or "").strip()
        return DbtEnded(problem, succeeded=bool(outcome.success))

    def _preload(self) -> Manifest | None:
        if not self._call.parsed_file:
            return None
        found = preload_manifest(self._call.project_dir, self._dbt_version, self._call.parsed_file)
        if found.why_not:
            self._events.put(NodeLog("", "warn", found.why_not))
        return found.manifest

    def _callbacks(self, manifest: Manifest | None) -> list[Callable[[Any], None]]:
        return [self._receive] if manifest is None else [_RenewOnce(manifest), self._receive]

    def _receive(self, message: Any) -> None:
        """Take one dbt event; called in dbt's threads, while the node waits."""
        info = message.info
        if self._canceled.is_set() and info.name == "NodeCompiling":
            raise BuildCanceledError("the run was canceled before this node began")
        if not is_of_interest(info.name, info.level):
            return
        told = _as_mapping(message)
        if info.name == FINISHED and self._call.wants_columns:
            status = told["data"].get("run_result", {}).get("status", "")
            keep_columns(self._call.target, told["data"]["node_info"], status)
        for event in self._messages.translated(told):
            self._events.put(event)


class _RenewOnce:
    """A callback of dbt's that renews the manifest's metadata with the first event."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest: Manifest | None = manifest

    def __call__(self, message: Any) -> None:
        if self._manifest is not None:
            manifest, self._manifest = self._manifest, None
            renew_metadata(manifest)


def _as_mapping(message: Any) -> dict[str, Any]:
    from google.protobuf.json_format import MessageToDict

    info = {"name": message.info.name, "level": message.info.level, "msg": message.info.msg}
    data = message.data
    fields: dict[str, Any] = {}
    for name in ("node_info", "run_result"):
        if name in data.DESCRIPTOR.fields_by_name and data.HasField(name):
            fields[name] = MessageToDict(getattr(data, name), preserving_proto_field_name=True)
    return {"info": info, "data": fields}


@contextmanager
def _untouched_logging() -> Iterator[None]:
    """Keep the host's log handlers: dbt's loggers add their own to the process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:], root.level = handlers, level
