"""The task runs of a product's nodes: one each in every flow run, in the state dbt left it in.

Prefect's engine runs functions, and dbt builds all nodes in one call. So the task runs are created
and updated through Prefect's API, in a separate thread: a slow server does not hold up dbt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextvars import copy_context
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any
from uuid import UUID, uuid4

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import State, TaskRun, TaskRunResult
from prefect.logging.loggers import task_run_logger
from prefect.states import Cancelled, Pending, Running

from floe_core.runs.build_events import BuildEvent, NodeLog, NodeResult, NodeStarted
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.node_graph import NodeGraph
from floe_orchestrator_prefect.internals import emit_assets
from floe_orchestrator_prefect.task.build_failure import LEVELS
from floe_orchestrator_prefect.task.node_tasks import NodeTask
from floe_orchestrator_prefect.task.run_states import PAGE, Change, RunStates, in_state, state_of

# How long a change waits for others, to be sent with them.
LINGER_SECONDS = 0.25
Call = Callable[[], object]


class NodeRuns:
    """The task runs of one flow run; `receive` reports an event to them, and returns at once."""

    def __init__(
        self, artifacts: CompiledArtifacts, tasks: Mapping[str, NodeTask], flow_run_id: UUID
    ) -> None:
        self._graph = NodeGraph(artifacts.by_id[node_id] for node_id in sorted(tasks))
        self._tasks = tasks
        self._flow_run_id = flow_run_id
        self._runs: dict[str, TaskRun] = {}
        self._ids = {node_id: uuid4() for node_id in tasks}
        self._unfinished: set[str] = set()
        # With reuse, a build first says what it reuses, which need not be pending before.
        self._waits_for_reused = artifacts.execution.reuse != "off"
        self._expected: tuple[str, ...] = ()
        self._reused: dict[str, NodeResult] = {}
        self._client: SyncPrefectClient = get_client(sync_client=True)
        self._states = RunStates(self._client, flow_run_id)
        self._changes: list[Change] = []
        self._calls: SimpleQueue[Call | None] = SimpleQueue()
        self._errors: list[BaseException] = []
        context = copy_context()
        self._thread = Thread(target=lambda: context.run(self._work), name="floe-node-runs")

    def __enter__(self) -> NodeRuns:
        self._client.__enter__()
        self._thread.start()
        self._calls.put(self._find_earlier_runs)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Wait until all events are reported; nodes that never ended count as canceled."""
        try:
            for call in (self._show_expected, self._cancel_the_rest, self._flush, None):
                self._calls.put(call)
            self._thread.join()
        finally:
            self._client.__exit__(kind, error, at)
        if self._errors and error is None:
            raise self._errors[0]

    def expect(self, node_ids: tuple[str, ...]) -> None:
        """Show these nodes as pending, each downstream of those that it depends on."""
        self._calls.put(partial(self._expect, node_ids))

    def knows(self, node_id: str) -> bool:
        """Return whether a node has a task run here."""
        return node_id in self._tasks

    def receive(self, event: BuildEvent) -> None:
        """Update the node's task run, or write to its log. Events without a node are ignored."""
        if isinstance(event, NodeStarted | NodeResult | NodeLog) and self.knows(event.unique_id):
            self._calls.put(partial(self._report, event))

    def _work(self) -> None:
        """Do what is asked for, in order, and send the changes that it makes, many at a time."""
        until = 0.0
        while True:
            try:
                patience = max(until - time.monotonic(), 0) if self._changes else None
                call = self._calls.get(timeout=patience)
            except Empty:
                call = self._flush
            if call is None:
                break
            had_changes = bool(self._changes)
            self._try(call)
            if self._changes and not had_changes:
                until = time.monotonic() + LINGER_SECONDS
            if not self._states.sends_events or len(self._changes) >= PAGE:
                self._try(self._flush)
        self._try(self._states.confirm)

    def _try(self, call: Call) -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - raised when the runs end
            self._errors.append(error)

    def _flush(self) -> None:
        changes, self._changes = self._changes, []
        self._states.report(changes)

    def _find_earlier_runs(self) -> None:
        """Find the task runs of an earlier attempt, in another process, of this flow run."""
        for run in self._states.find():
            if run.dynamic_key in self._tasks:
                self._runs[run.dynamic_key] = run
                self._ids[run.dynamic_key] = run.id

    def _expect(self, node_ids: tuple[str, ...]) -> None:
        self._expected = node_ids
        self._unfinished |= set(node_ids)
        if not self._waits_for_reused:
            self._show_expected()

    def _show_expected(self) -> None:
        """Show the nodes that a build reuses as such, and the others as pending."""
        if not self._expected:
            return
        expected, self._expected = set(self._expected), ()
        reused, self._reused = self._reused, {}
        for node_id in self._graph.in_order():
            if node_id in expected and node_id in reused:
                self._set(node_id, state_of(reused[node_id]))
                self._unfinished.discard(node_id)
            elif node_id in expected:
                self._set(node_id, Pending())

    def _new(self, node_id: str) -> TaskRun:
        task = self._tasks[node_id]
        above = [self._ids[p] for p in self._graph.parents[node_id] if p in self._ids]
        return TaskRun.model_validate(
            {
                "id": self._ids[node_id],
                "flow_run_id": self._flow_run_id,
                "task_key": task.task_key,
                "task_version": task.version,
                "dynamic_key": node_id,
                "name": task.name,
                "tags": sorted(task.tags),
                "task_inputs": {"depends_on": [TaskRunResult(id=each) for each in above]},
            }
        )

    def _report(self, event: NodeStarted | NodeResult | NodeLog) -> None:
        node_id = event.unique_id
        if isinstance(event, NodeResult) and self._is_reused_before_the_build(event):
            self._reused[node_id] = event
            return
        self._show_expected()
        if isinstance(event, NodeStarted):
            self._set(node_id, Running(timestamp=event.at))
        elif isinstance(event, NodeResult):
            self._end(event)
        else:
            log = task_run_logger(self._runs[node_id], self._tasks[node_id])
            log.log(LEVELS[event.level], "%s", event.text)

    def _end(self, result: NodeResult) -> None:
        node_id, state = result.unique_id, state_of(result)
        self._set(node_id, state)
        self._unfinished.discard(node_id)
        if result.passed and not result.is_new:
            return
        facts = {"rows": result.rows, "seconds": result.seconds, "status": result.status}
        known = {name: value for name, value in facts.items() if value is not None}
        emit_assets(self._tasks[node_id], self._runs[node_id].id, known, state)

    def _is_reused_before_the_build(self, result: NodeResult) -> bool:
        node_id = result.unique_id
        return result.status == "reused" and node_id in self._expected and node_id not in self._runs

    def _cancel_the_rest(self) -> None:
        for node_id in sorted(self._unfinished):
            self._set(node_id, Cancelled(message="the run was canceled"))

    def _set(self, node_id: str, state: State[Any]) -> None:
        run = self._runs.get(node_id) or self._new(node_id)
        self._runs[node_id] = in_state(run, state)
        self._changes.append(Change(self._tasks[node_id], self._runs[node_id], run.state))
