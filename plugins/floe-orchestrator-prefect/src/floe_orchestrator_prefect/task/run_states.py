"""Tell Prefect's server the states of task runs, many in one request.

Prefect's API creates or changes one task run per request, which takes its server 20 to 40 ms, and a
product may have a thousand nodes. So the states of many are sent as the events that Prefect's
engine sends for its own task runs, which the server records. It only confirms that it received
them: whether it records them at all is seen after the first, and what it has not recorded in the
end is set by one request each.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from httpx import HTTPStatusError, TransportError
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    TaskRunFilter,
    TaskRunFilterId,
)
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Cancelled, Completed, Failed

from floe_core.runs.build_events import NodeResult
from floe_orchestrator_prefect.internals import event_of_task_run
from floe_orchestrator_prefect.task.node_tasks import NodeTask

# The second is Prefect's own name for a run that was not needed, as its result is still valid.
WARNED, CACHED, SKIPPED = "Warned", "Cached", "Skipped"

T = TypeVar("T")

# Fewer are set by one request each, since a server may take seconds to record events.
WORTHWHILE = 30
PAGE = 200
POLL_SECONDS = 0.1
# Longer than the 5 seconds after which Prefect's server records events by default.
PATIENCE_SECONDS = 20.0


class Change(NamedTuple):
    """A task run in its new state, its task, and the state before; None for a new run."""

    task: NodeTask
    run: TaskRun
    before: State[Any] | None


class RunStates:
    """The states of the task runs of one flow run, as its server has them."""

    def __init__(self, client: SyncPrefectClient, flow_run_id: UUID) -> None:
        self._client = client
        self._flow_run_id = flow_run_id
        self._created: set[UUID] = set()
        self._sent: dict[UUID, Change] = {}
        # Names of the states that each run has been in; a retried one may end as it did before.
        self._names: dict[UUID, set[str | None]] = defaultdict(set)
        self._again: set[UUID] = set()
        self.sends_events: bool | None = None
        """Whether changes are sent as events, which is worthwhile for many at a time; None until
        the first report."""

    def report(self, changes: Sequence[Change]) -> None:
        """Set states; the server has them once `confirm` returns."""
        if not changes:
            return
        if self.sends_events is None:
            self.sends_events = len(changes) >= WORTHWHILE and self._takes_events(changes[:PAGE])
            changes = changes[PAGE:] if self.sends_events else changes
        if not (self.sends_events and self._send(changes)):
            self.sends_events = False
            for change in changes:
                self._request(change)

    def confirm(self) -> None:
        """Wait until the server has all states, and set those that it did not record."""
        if self._sent and not self._are_recorded(self._sent.values()):
            recorded = {run.id: run.state_id for run in self.find()}
            for change in [*self._sent.values()]:
                if recorded.get(change.run.id) != change.run.state_id:
                    self._request(change)
        self._sent.clear()

    def find(self) -> Iterator[TaskRun]:
        """Yield the server's task runs of this flow run."""
        for run in self._list():
            self._created.add(run.id)
            self._names[run.id].add(run.state_name)
            yield run

    def _list(self, ids: Sequence[UUID] | None = None) -> Iterator[TaskRun]:
        """Yield task runs of this flow run, in pages of the size that the server sets."""
        offset = 0
        of_flow_run = FlowRunFilter(id=FlowRunFilterId(any_=[self._flow_run_id]))
        among = TaskRunFilter(id=TaskRunFilterId(any_=[*ids])) if ids else None
        while page := self._client.read_task_runs(
            flow_run_filter=of_flow_run, task_run_filter=among, offset=offset
        ):
            yield from page
            offset += len(page)

    def _takes_events(self, changes: Sequence[Change]) -> bool:
        """Send the first changes, and return whether the server records them."""
        if self._send(changes) and self._are_recorded(changes):
            return True
        self._sent.clear()
        return False

    def _send(self, changes: Sequence[Change]) -> bool:
        """Return False if the server does not take events of task runs."""
        for change in changes:
            self._sent[change.run.id] = change
            names, name = self._names[change.run.id], change.run.state_name
            if name in names:
                self._again.add(change.run.id)
            names.add(name)
        for page in _pages(changes):
            events = [event_of_task_run(change.run, change.before) for change in page]
            try:
                self._client.request("POST", "/events", json=events)
            except HTTPStatusError:
                return False
            except TransportError:
                pass  # What has not arrived is set when it is confirmed.
        return True

    def _are_recorded(self, changes: Iterable[Change]) -> bool:
        """Wait for the server; return False if it has not all, and recorded none for a while."""
        by_name: dict[str, list[UUID]] = defaultdict(list)
        by_state: dict[UUID, UUID] = {}
        for change in changes:
            run = change.run
            if run.id in self._again and run.state:
                by_state[run.id] = run.state.id
            else:
                by_name[run.state_name or ""].append(run.id)
        counts = [
            (len(page), partial(self._count, name, page))
            for name, ids in by_name.items()
            for page in _pages(ids)
        ]
        counts.append((len(by_state), partial(self._count_in, by_state)))
        return all(_reaches(wanted, count) for wanted, count in counts)

    def _count(self, name: str, ids: Sequence[UUID]) -> int:
        """Return how many of these runs are in a state of this name."""
        chosen = {"id": {"any_": [str(each) for each in ids]}, "state": {"name": {"any_": [name]}}}
        found = self._client.request("POST", "/task_runs/count", json={"task_runs": chosen})
        return int(found.json())

    def _count_in(self, states: Mapping[UUID, UUID]) -> int:
        """Return how many runs are in the state that this has for them."""
        listed = self._list([*states]) if states else ()
        return sum(run.state_id == states[run.id] for run in listed)

    def _request(self, change: Change) -> None:
        task, run, state = change.task, change.run, change.run.state
        assert state is not None
        self._sent.pop(run.id, None)
        if run.id not in self._created:
            self._created.add(run.id)
            created = self._client.create_task_run(
                task,
                self._flow_run_id,
                run.dynamic_key,
                id=run.id,
                name=run.name,
                state=state,
                task_inputs=run.task_inputs,
            )
            if _kind(created.state) == _kind(state):
                return
        # Forced: Prefect's rules are for runs of its own engine, and would block a second attempt
        # of a failed node.
        self._client.set_task_run_state(run.id, state, force=True)


def _reaches(wanted: int, count: Callable[[], int]) -> bool:
    """Return whether a count comes to a number; it may take its time while it grows."""
    most, since = count(), time.monotonic()
    while most < wanted:
        if time.monotonic() - since > PATIENCE_SECONDS:
            return False
        time.sleep(POLL_SECONDS)
        if (found := count()) > most:
            most, since = found, time.monotonic()
    return True


def _pages(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + PAGE] for start in range(0, len(items), PAGE))


def _kind(state: State[Any] | None) -> tuple[object, object]:
    return (state.type, state.name) if state else (None, None)


def state_of(result: NodeResult) -> State[None]:
    """Return a completed, failed or, for a node that dbt did not reach, cancelled state.

    A disabled node is completed, as in a run without it.
    """
    message = result.message or result.status
    if result.is_disabled:
        return Completed(name=SKIPPED, message=message)
    if result.status == "skipped":
        return Cancelled(name=SKIPPED, message=message)
    if result.status == "warn":
        return Completed(name=WARNED, message=message)
    if result.status == "reused":
        return Completed(name=CACHED, message=message)
    return Completed(message=message) if result.passed else Failed(message=message)


def in_state(run: TaskRun, state: State[Any]) -> TaskRun:
    """Return a task run in its next state, with the times and counts that Prefect's engine sets."""
    before = run.state
    if before and state.timestamp <= before.timestamp:
        # The server takes the latest for the current one.
        later = before.timestamp + timedelta(microseconds=1)
        state = state.model_copy(update={"timestamp": later})
    at = state.timestamp
    changes: dict[str, Any] = {
        "state": state,
        "state_id": state.id,
        "state_type": state.type,
        "state_name": state.name,
        "expected_start_time": run.expected_start_time or at,
        "end_time": at if state.is_final() else None,
    }
    if before and before.is_running():
        changes["total_run_time"] = run.total_run_time + (at - before.timestamp)
    if state.is_running():
        changes["run_count"] = run.run_count + 1
    if state.is_running() or state.is_completed():
        changes["start_time"] = run.start_time or at
    return run.model_copy(update=changes)
