"""Create task runs that have ended already, many in one request.

Prefect's API creates one task run per request, which takes its server 20 to 40 ms, and a product
without changes may reuse a thousand nodes. So they are sent as the events that Prefect's engine
sends for its own task runs, which the server records. It only confirms that it received them, so
what it has not recorded in the end is created by one request each.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from httpx import HTTPStatusError
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import TaskRun

from floe_orchestrator_prefect.flow.node_tasks import NodeTask
from floe_orchestrator_prefect.internals import event_of_ended_run

# Fewer are created by one request each, since the server may take seconds to record events.
WORTHWHILE = 30
PAGE = 200
POLL_SECONDS = 0.1
# Longer than the 5 seconds after which Prefect's server records events by default.
PATIENCE_SECONDS = 20.0


class EndedRun(NamedTuple):
    """A task run with its final state, and its task."""

    task: NodeTask
    run: TaskRun


class EndedRuns:
    """The task runs of one flow run that ended without having run."""

    def __init__(self, client: SyncPrefectClient, flow_run_id: UUID) -> None:
        self._client = client
        self._flow_run_id = flow_run_id
        self._sent: list[EndedRun] = []

    def create(self, ended: Sequence[EndedRun]) -> None:
        """Create runs; the server has them once `confirm` returns."""
        if len(ended) < WORTHWHILE or not self._send(ended):
            self._create_each(ended)

    def confirm(self) -> None:
        """Wait until the server has all runs, and create those that it did not record."""
        if not self._sent:
            return
        if not self._wait_until_recorded():
            recorded = {run.id for run in self.read()}
            self._create_each([each for each in self._sent if each.run.id not in recorded])
        self._sent = []

    def read(self) -> Iterator[TaskRun]:
        """Yield the server's task runs of this flow run, in pages of the size that it sets."""
        offset = 0
        of_flow_run = FlowRunFilter(id=FlowRunFilterId(any_=[self._flow_run_id]))
        while page := self._client.read_task_runs(flow_run_filter=of_flow_run, offset=offset):
            yield from page
            offset += len(page)

    def _send(self, ended: Sequence[EndedRun]) -> bool:
        """Return False if the server does not take events of task runs."""
        events = [event_of_ended_run(each.run) for each in ended]
        try:
            for start in range(0, len(events), PAGE):
                self._client.request("POST", "/events", json=events[start : start + PAGE])
        except HTTPStatusError:
            return False
        self._sent.extend(ended)
        return True

    def _create_each(self, ended: Sequence[EndedRun]) -> None:
        for task, run in ended:
            self._client.create_task_run(
                task,
                self._flow_run_id,
                run.dynamic_key,
                id=run.id,
                name=run.name,
                state=run.state,
                task_inputs=run.task_inputs,
            )

    def _wait_until_recorded(self) -> bool:
        """Return False if the server has some runs not, and has recorded none for a while."""
        for start in range(0, len(self._sent), PAGE):
            ids = [each.run.id for each in self._sent[start : start + PAGE]]
            most, since = self._count(ids), time.monotonic()
            while most < len(ids):
                if time.monotonic() - since > PATIENCE_SECONDS:
                    return False
                time.sleep(POLL_SECONDS)
                if (found := self._count(ids)) > most:
                    most, since = found, time.monotonic()
        return True

    def _count(self, ids: Sequence[UUID]) -> int:
        """Return how many of these runs the server has."""
        chosen = {"task_runs": {"id": {"any_": [str(each) for each in ids]}}}
        return int(self._client.request("POST", "/task_runs/count", json=chosen).json())
