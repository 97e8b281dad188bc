"""The build request of a flow run, and the results of its earlier tries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

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
from floe_orchestrator_prefect.task.run_history import RunHistory


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
