"""The builds that a flow run continues: its earlier tries, and those of the same subflow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterParentTaskRunId
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort
from prefect.context import FlowRunContext


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
