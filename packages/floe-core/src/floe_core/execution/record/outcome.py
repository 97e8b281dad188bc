"""How a run ended, for alerts, according to floe's own records on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from floe_core.alerts.run_outcome import RunOutcome
from floe_core.execution.record.journal import RunRecord, readable_events
from floe_core.foundation.errors import UsageError
from floe_core.partitions.chosen import partitions_named
from floe_core.runs.build_events import (
    BuildEnded,
    BuildEvent,
    NodeResult,
    NodeStarted,
    PartitionResult,
)
from floe_core.runs.build_request import BuildRequest
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


def outcome_of_run(
    artifacts: CompiledArtifacts,
    job: str,
    run_id: str,
    *,
    succeeded: bool,
    build_ids: Sequence[str] = (),
    problem: str = "",
    nominal_time: datetime | None = None,
    link: str = "",
    ended_at: datetime | None = None,
    parameters: RunParameters | None = None,
) -> RunOutcome:
    """Return the outcome of a run that ended as the orchestrator reports, with its nodes.

    `build_ids` are the builds that it continues, then its own; by default one with the run's id. If
    their records are on another machine, the outcome has no nodes. `problem` is why the run failed,
    if neither a node nor the build has a message. `ended_at` is for a run that did not end just
    now. `parameters` are those of the run. Without a `nominal_time`, a run of partitions is for the
    end of the last of them.

    Raises:
        UsageError: The artifacts come from no folder.
    """
    parameters = parameters or RunParameters()
    request = BuildRequest(job, run_id, nominal_time=nominal_time, parameters=parameters)
    events = readable_events(artifacts.folder, build_ids or [run_id])
    outcome = outcome_of_build(artifacts, request, BuildEnded(succeeded, problem), events)
    return replace(outcome, link=link, ended_at=ended_at)


def outcome_of_build(
    artifacts: CompiledArtifacts, request: BuildRequest, end: BuildEnded, events: list[BuildEvent]
) -> RunOutcome:
    """Return the outcome of a run that ended with a build, given all events of the run."""
    named = request.parameters.partitions
    broken_off = {} if end.succeeded else _find_broken_off(events)
    return RunOutcome(
        job=request.job,
        run_id=request.run_id,
        succeeded=end.succeeded,
        results={**RunRecord.of(events).results, **broken_off},
        problem=_problem_of(events) or end.message,
        was_repeated=was_repeated(events),
        nominal_time=request.nominal_time or _end_of_partitions(artifacts, named, events),
        parameters=request.parameters,
    )


def _end_of_partitions(
    artifacts: CompiledArtifacts, named: str, events: Iterable[BuildEvent]
) -> datetime | None:
    built = sorted({event.key for event in events if isinstance(event, PartitionResult)})
    keys = named or ",".join(built)
    if artifacts.partitions is None or not keys:
        return None
    with suppress(UsageError):
        return partitions_named(artifacts.partitions, keys, datetime.now(UTC))[-1].end
    return None


def was_repeated(events: Iterable[BuildEvent]) -> bool:
    """Return whether a run took more than one attempt: an event came after a build that failed.

    A build that was killed has no end; then a second start of a node shows the other attempt.

    >>> was_repeated([BuildEnded(False), BuildEnded(True)]), was_repeated([BuildEnded(False)])
    (True, False)
    """
    begun: set[str] = set()
    has_failed = False
    for event in events:
        if has_failed or (isinstance(event, NodeStarted) and event.unique_id in begun):
            return True
        if isinstance(event, NodeStarted):
            begun.add(event.unique_id)
        has_failed = isinstance(event, BuildEnded) and not event.succeeded
    return False


def _find_broken_off(events: Iterable[BuildEvent]) -> dict[str, NodeResult]:
    """Return the nodes that were running when the process of a build was killed."""
    under_way: dict[str, NodeResult] = {}
    for event in events:
        if isinstance(event, NodeStarted):
            unfinished = NodeResult(
                event.unique_id, "error", message="it started but did not finish"
            )
            under_way[event.unique_id] = unfinished
        elif isinstance(event, NodeResult):
            under_way.pop(event.unique_id, None)
    return under_way


def _problem_of(events: Sequence[BuildEvent]) -> str:
    last = events[-1] if events else None
    return last.message if isinstance(last, BuildEnded) else ""
