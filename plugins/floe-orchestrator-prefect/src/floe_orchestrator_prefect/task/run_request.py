"""The build request of a flow run, and the builds that it continues.

Those are of its earlier tries, and of earlier runs of the same subflow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterParentTaskRunId
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort
from prefect.context import FlowRunContext

from floe_core.execution import (
    BuildRequest,
    NodeResult,
    attempt_by_hand,
    attempt_of_caller,
    first_attempt_number,
    record_of,
)
from floe_core.runs.run_parameters import TimeRange
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job


def request_of(
    artifacts: CompiledArtifacts,
    job: Job,
    wanted: tuple[str, ...],
    nominal_time: datetime | None,
    time_range: TimeRange | None,
) -> BuildRequest:
    """Return the request to build these nodes in the current flow run, as its first attempt.

    A user starts a retry of the flow run; the caller starts that of a subflow.
    """
    history = RunHistory.of_this_run()
    attempt_for = attempt_of_caller if history.is_subflow else attempt_by_hand
    attempt = attempt_for(wanted, record_of(artifacts, *history.earlier))
    return BuildRequest(
        job=job.name,
        run_id=history.build_id,
        node_ids=attempt.todo,
        attempt=first_attempt_number(artifacts, len(history.earlier)),
        nominal_time=_utc(nominal_time) if nominal_time else None,
        range=time_range,
        settled=attempt.settled,
        unfinished=attempt.unfinished,
        may_reuse=not attempt.is_repeat,
        root_run_id=history.earlier[0] if history.earlier else "",
    )


def results_so_far(artifacts: CompiledArtifacts) -> Mapping[str, NodeResult]:
    """Return node id -> its last result in the current flow run, including earlier tries."""
    history = RunHistory.of_this_run()
    return record_of(artifacts, *history.earlier, history.build_id).results


def _utc(moment: datetime) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class RunHistory:
    """The ids of builds: `build_id` for the next build, `earlier` for those before it, in order.

    `is_subflow` is whether another flow called this one.
    """

    build_id: str
    earlier: tuple[str, ...]
    is_subflow: bool

    @classmethod
    def of_this_run(cls) -> RunHistory:
        """Return the history of the current flow run.

        A retried flow runs a subflow that did not complete again, as a new flow run.
        """
        run = _flow_run()
        *tries, build_id = builds_of(run)
        parent = run.parent_task_run_id
        before = [*_builds_before(run, parent)] if parent else []
        return cls(build_id, (*before, *tries), parent is not None)


def _flow_run() -> FlowRun:
    context = FlowRunContext.get()
    assert context is not None
    assert context.flow_run is not None
    return context.flow_run


def builds_of(run: FlowRun) -> list[str]:
    """Return the id of the build of each try of a flow run."""
    tries = range(1, max(run.run_count, 1) + 1)
    return [str(run.id) if number == 1 else f"{run.id}.{number}" for number in tries]


def _builds_before(run: FlowRun, parent: UUID) -> Iterator[str]:
    called_by = FlowRunFilter(parent_task_run_id=FlowRunFilterParentTaskRunId(any_=[parent]))
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(
            flow_run_filter=called_by, sort=FlowRunSort.EXPECTED_START_TIME_ASC
        )
    for earlier in found:
        if earlier.id != run.id:
            yield from builds_of(earlier)
