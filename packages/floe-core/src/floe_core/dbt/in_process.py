"""Run dbt in a thread of this process."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from floe_core.dbt.built_columns import keep_columns
from floe_core.dbt.call import DbtEnded, EventQueue, Gate, Throttle
from floe_core.dbt.in_program.dbt_floe_microbatch import given
from floe_core.dbt.internals import cancel_queries, cancel_queries_of, hiding_vars, leaving_out
from floe_core.dbt.invocation import Invocation
from floe_core.dbt.kept_parse import KeptParse
from floe_core.dbt.library import invoke_library, load_runner
from floe_core.dbt.lighter_dbt import lighter_dbt
from floe_core.dbt.messages import (
    BATCH_STARTED,
    FINISHED,
    NO_TIME,
    STARTED,
    DbtMessages,
    is_of_interest,
)
from floe_core.dbt.preloaded_manifest import renew_metadata
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.garbage_collection import collecting_new_alone, seldom_collecting
from floe_core.runs.build_events import BuildEvent, NodeLog

if TYPE_CHECKING:
    from floe_core.dbt.internals import Manifest

CANCEL_SECONDS = 0.2
_COMPILING = "NodeCompiling"
_INFO = ("name", "level", "msg", "thread", "invocation_id")
_OF_BATCHES = ("description", "status", "exc")


class BuildCanceledError(Exception):
    """Raised inside dbt to keep a node from starting after a cancel."""


class ThreadedDbt:
    """dbt's own runner in a daemon thread; its events go through a queue.

    A node that is in a pool starts when it has one of the `slots`; a node that the `gate` leaves
    out ends instead of starting.
    """

    def __init__(
        self,
        invocation: Invocation,
        dbt_version: str,
        parse: KeptParse | None = None,
        slots: Throttle | None = None,
        gate: Gate | None = None,
    ) -> None:
        self._invocation = invocation
        self._call = invocation.call
        self._gate = gate
        self._parse = parse or KeptParse()
        self._slots = slots
        self._refused: dict[str, EnvironmentProblemError] = {}
        # Whether microbatch models build the batches that they should.
        self._knows_batches = True
        # Load it here, so that a missing dbt raises in the caller that starts the build.
        load_runner()
        self._dbt_version = dbt_version
        self._events = EventQueue()
        self._messages = DbtMessages()
        self._canceled = threading.Event()
        # Hooks can read the name of dbt's thread; plain dbt runs in the main thread.
        self._thread = threading.Thread(target=self._run, name="MainThread", daemon=True)
        self._thread.start()

    def next_event(self, timeout: float | None) -> BuildEvent | DbtEnded | None:
        """See `DbtRun.next_event`."""
        return self._events.take(timeout)

    def cancel(self) -> None:
        """See `DbtRun.cancel`."""
        self._canceled.set()
        if self._slots is not None:
            self._slots.stop()
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
        """Cancel running queries repeatedly: a node that has started may be about to send one."""
        while self._thread.is_alive():
            cancel_queries()
            self._thread.join(CANCEL_SECONDS)

    def _run(self) -> None:
        end = DbtEnded("dbt ended without a result", succeeded=False)
        try:
            # dbt resolves relative paths in SQL, profiles and macros against its working directory.
            with self._call.in_this_process(), seldom_collecting():
                end = self._invoke()
        finally:
            self._events.put(end)

    def _invoke(self) -> DbtEnded:
        manifest = self._preload()
        callbacks = self._callbacks(manifest)
        lighter = lighter_dbt(callbacks, wanted={STARTED, FINISHED, _COMPILING})
        leaving = nullcontext(True) if self._gate is None else leaving_out(self._gate.is_left_out)
        batches = (
            given(self._invocation.microbatch) if self._invocation.microbatch else nullcontext(True)
        )
        with (
            _untouched_logging(),
            lighter,
            collecting_new_alone(),
            hiding_vars(self._invocation.hidden_vars),
            leaving as may_leave,
            batches as self._knows_batches,
        ):
            if not may_leave:
                self._gate = None
            arguments = [*self._call.arguments, "--log-level", "none"]
            outcome = invoke_library(arguments, manifest, callbacks)
            gc.collect()  # See `release_adapters`.
        problem = str(outcome.exception or "").strip()
        return DbtEnded(problem, succeeded=bool(outcome.success))

    def _preload(self) -> Manifest | None:
        found = self._parse.take(self._invocation, self._dbt_version)
        if found.why_not:
            self._events.put(NodeLog("", "warn", found.why_not, is_from_floe=True))
        return found.manifest

    def _callbacks(self, manifest: Manifest | None) -> list[Callable[[Any], None]]:
        return [self._receive] if manifest is None else [_RenewOnce(manifest), self._receive]

    def _receive(self, message: Any) -> None:
        """Receive one dbt event; called in dbt's threads, while the node waits."""
        info = message.info
        if info.name == _COMPILING:
            self._refuse_to_compile(message)
        if not is_of_interest(info.name, info.level):
            return
        content = _as_mapping(message)
        if info.name == BATCH_STARTED and not self._knows_batches:
            node_id = content["data"]["node_info"]["unique_id"]
            self._refused[node_id] = EnvironmentProblemError(NO_TIME)
        if info.name == FINISHED and self._invocation.wants_columns:
            self._keep_columns(content["data"])
        for event in self._messages.translate(content):
            reported = event if self._gate is None else self._gate.receive(event)
            if reported is not None:
                self._events.put(self._with_slot(reported))

    def _keep_columns(self, data: dict[str, Any]) -> None:
        node_info = data["node_info"]
        if self._gate is None or not self._gate.is_left_out(node_info["unique_id"]):
            status = data.get("run_result", {}).get("status", "")
            keep_columns(self._invocation.target, node_info, status)

    def _with_slot(self, event: BuildEvent) -> BuildEvent:
        """Return the event; for a start, wait until the node has a slot in its pool."""
        if self._slots is None:
            return event
        try:
            return self._slots.receive(event, self._events.put)
        except EnvironmentProblemError as error:
            # Raised here, it would end dbt; raised when dbt compiles the node, it ends the node.
            self._refused[getattr(event, "unique_id", "")] = error
            return event

    def _refuse_to_compile(self, message: Any) -> None:
        if self._canceled.is_set():
            raise BuildCanceledError("the run was canceled before this node began")
        if self._refused:
            error = self._refused.pop(message.data.node_info.unique_id, None)
            if error is not None:
                raise error


class _RenewOnce:
    """A dbt callback that renews the manifest's metadata on the first event."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest: Manifest | None = manifest

    def __call__(self, message: Any) -> None:
        if self._manifest is not None:
            manifest, self._manifest = self._manifest, None
            renew_metadata(manifest)


def _as_mapping(message: Any) -> dict[str, Any]:
    from google.protobuf.json_format import MessageToDict

    info = {name: getattr(message.info, name) for name in _INFO}
    data = message.data
    known = data.DESCRIPTOR.fields_by_name
    fields = {name: getattr(data, name) for name in _OF_BATCHES if name in known}
    for name in ("node_info", "run_result"):
        if name in known and data.HasField(name):
            fields[name] = MessageToDict(getattr(data, name), preserving_proto_field_name=True)
    return {"info": info, "data": fields}


@contextmanager
def _untouched_logging() -> Iterator[None]:
    """Restore the host's log handlers after the block: dbt's loggers add their own."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:], root.level = handlers, level
