"""Why a build failed, and whether an orchestrator may retry it automatically."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from floe_core.execution.node_selection.wanted import wanted_nodes
from floe_core.execution.record.attempt import may_retry
from floe_core.execution.record.journal import record_of
from floe_core.execution.record.run_record import RunRecord
from floe_core.runs.build_events import BuildEnded, failure_text
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


@dataclass(frozen=True, slots=True)
class BuildFailure:
    """The failure of a build; see `failure_text` for `text`, the same on every orchestrator.

    With `may_retry`, another attempt would have something to do.
    """

    text: str
    may_retry: bool


def failure_of(
    artifacts: CompiledArtifacts, wanted: Iterable[str], record: RunRecord, problem: str
) -> BuildFailure:
    """Return the failure of a run with this record; `problem` is the message of its end."""
    wanted = tuple(wanted)
    found = [record.results[node_id] for node_id in wanted if node_id in record.results]
    return BuildFailure(failure_text(found, problem), may_retry(artifacts, wanted, record))


def failure_of_build(
    artifacts: CompiledArtifacts, request: BuildRequest, end: BuildEnded
) -> BuildFailure:
    """Return the failure of a build on this machine, from the record of its run."""
    artifacts = artifacts.for_job(request.job)
    record = record_of(artifacts, request.run_id)
    return failure_of(artifacts, wanted_nodes(artifacts, request), record, end.message)
