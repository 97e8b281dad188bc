"""The task runs of a product's nodes: one each in every flow run, in the state dbt left it in.

Prefect's engine runs functions, and dbt builds all nodes in one call. So the task runs are created
and updated through Prefect's API, in a separate thread: a slow server does not hold up dbt.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from types import TracebackType
from typing import Any
from uuid import UUID, uuid4

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import State, TaskRun, TaskRunResult
from prefect.logging.loggers import task_run_logger
from prefect.states import Cancelled, Pending, Running

from floe_core.build_events import BuildEvent, NodeLog, NodeResult, NodeStarted
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.node_graph import NodeGraph
from floe_orchestrator_prefect.flow.node_tasks import NodeTask
from floe_orchestrator_prefect.internals import emit_assets
from floe_orchestrator_prefect.task.ended_runs import EndedRun, EndedRuns
from floe_orchestrator_prefect.task.log_levels import LEVELS
from floe_orchestrator_prefect.task.node_states import state_of


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
        self._ended_runs = EndedRuns(self._client, flow_run_id)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="floe-node-runs")
        self._submitted: list[Future[None]] = []

    def __enter__(self) -> NodeRuns:
        self._client.__enter__()
        self._later(self._find_earlier_runs)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Wait until all events are reported; nodes that never ended count as canceled."""
        try:
            self._later(self._show_expected)
            self._later(self._cancel_the_rest)
            self._later(self._ended_runs.confirm)
            self._thread.shutdown(wait=True)
        finally:
            self._client.__exit__(kind, error, at)
        for done in self._submitted if error is None else ():
            done.result()

    def expect(self, node_ids: tuple[str, ...]) -> None:
        """Show these nodes as pending, each downstream of those that it depends on."""
        self._later(self._expect, node_ids)

    def knows(self, node_id: str) -> bool:
        """Return whether a node has a task run here."""
        return node_id in self._tasks

    def receive(self, event: BuildEvent) -> None:
        """Update the node's task run, or write to its log. Events without a node are ignored."""
        if isinstance(event, NodeStarted | NodeResult | NodeLog) and self.knows(event.unique_id):
            self._later(self._report, event)

    def _later(self, call: Any, *arguments: Any) -> None:
        """Queue a call, to run in order and in Prefect's current context."""
        self._submitted.append(self._thread.submit(copy_context().run, call, *arguments))

    def _find_earlier_runs(self) -> None:
        """Find the task runs of an earlier attempt, in another process, of this flow run."""
        for run in self._ended_runs.read():
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
        expected, self._expected = set(self._expected), ()
        reused, self._reused = self._reused, {}
        in_order = [node_id for node_id in self._graph.in_order() if node_id in expected]
        self._ended_runs.create([self._end_now(reused[n]) for n in in_order if n in reused])
        for node_id in in_order:
            if node_id in reused:
                self._unfinished.discard(node_id)
            elif node_id in self._runs:
                self._set(node_id, Pending())
            else:
                self._create(node_id)

    def _end_now(self, result: NodeResult) -> EndedRun:
        node_id, state = result.unique_id, state_of(result)
        task = self._tasks[node_id]
        run = TaskRun.model_validate(
            {
                "id": self._ids[node_id],
                "flow_run_id": self._flow_run_id,
                "task_key": task.task_key,
                "task_version": task.version,
                "dynamic_key": node_id,
                "name": task.name,
                "tags": sorted(task.tags),
                "task_inputs": self._inputs(node_id),
                "state": state,
                "start_time": state.timestamp,
                "end_time": state.timestamp,
            }
        )
        self._runs[node_id] = run
        return EndedRun(task, run)

    def _create(self, node_id: str) -> None:
        task = self._tasks[node_id]
        self._runs[node_id] = self._client.create_task_run(
            task,
            self._flow_run_id,
            node_id,
            id=self._ids[node_id],
            name=task.name,
            state=Pending(),
            task_inputs=self._inputs(node_id),
        )

    def _inputs(self, node_id: str) -> dict[str, list[Any]]:
        above = [self._ids[p] for p in self._graph.parents[node_id] if p in self._ids]
        return {"depends_on": [TaskRunResult(id=each) for each in above]}

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
        # Forced: Prefect's rules are for runs of its own engine, and would block a second attempt
        # of a failed node.
        self._client.set_task_run_state(self._runs[node_id].id, state, force=True)
