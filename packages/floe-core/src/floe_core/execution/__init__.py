"""Run dbt for a part of a product and report what happens, the same under every orchestrator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from floe_core.foundation.lazy_names import importer
from floe_core.runs.build_events import (
    BuildEnded,
    BuildEvent,
    NodeLog,
    NodeResult,
    NodeStarted,
    NodeStatus,
    PartitionResult,
)
from floe_core.runs.build_request import BuildRequest
from floe_core.runs.run_parameters import RunParameters

if TYPE_CHECKING:
    from floe_core.execution.build_run import build
    from floe_core.execution.node_selection.wanted import chosen_nodes, nodes_of_job, wanted_nodes
    from floe_core.execution.record.attempt import (
        Attempt,
        attempt_by_hand,
        attempt_of_caller,
        automatic_attempt,
        first_attempt_number,
        may_retry,
    )
    from floe_core.execution.record.build_failure import BuildFailure, failure_of, failure_of_build
    from floe_core.execution.record.journal import read_events
    from floe_core.execution.record.outcome import outcome_of_run
    from floe_core.execution.record.run_record import RunRecord, record_of
    from floe_core.execution.reports.open_builds import report_outcome, reported_if_killed
    from floe_core.execution.reports.relations import (
        ColumnOrigins,
        built_relation,
        column_origins,
        source_loaded_at,
    )
    from floe_core.execution.reports.reported_ends import has_reported_ends
    from floe_core.foundation.parent_death import end_with_parent

__all__ = [
    "Attempt",
    "BuildEnded",
    "BuildEvent",
    "BuildFailure",
    "BuildRequest",
    "ColumnOrigins",
    "NodeLog",
    "NodeResult",
    "NodeStarted",
    "NodeStatus",
    "PartitionResult",
    "RunParameters",
    "RunRecord",
    "attempt_by_hand",
    "attempt_of_caller",
    "automatic_attempt",
    "build",
    "built_relation",
    "chosen_nodes",
    "column_origins",
    "end_with_parent",
    "failure_of",
    "failure_of_build",
    "first_attempt_number",
    "has_reported_ends",
    "may_retry",
    "nodes_of_job",
    "outcome_of_run",
    "read_events",
    "record_of",
    "report_outcome",
    "reported_if_killed",
    "source_loaded_at",
    "wanted_nodes",
]

_HOMES = {
    "Attempt": "floe_core.execution.record.attempt",
    "BuildFailure": "floe_core.execution.record.build_failure",
    "ColumnOrigins": "floe_core.execution.reports.relations",
    "RunRecord": "floe_core.execution.record.run_record",
    "attempt_by_hand": "floe_core.execution.record.attempt",
    "attempt_of_caller": "floe_core.execution.record.attempt",
    "automatic_attempt": "floe_core.execution.record.attempt",
    "build": "floe_core.execution.build_run",
    "built_relation": "floe_core.execution.reports.relations",
    "chosen_nodes": "floe_core.execution.node_selection.wanted",
    "column_origins": "floe_core.execution.reports.relations",
    "end_with_parent": "floe_core.foundation.parent_death",
    "failure_of": "floe_core.execution.record.build_failure",
    "failure_of_build": "floe_core.execution.record.build_failure",
    "first_attempt_number": "floe_core.execution.record.attempt",
    "may_retry": "floe_core.execution.record.attempt",
    "nodes_of_job": "floe_core.execution.node_selection.wanted",
    "read_events": "floe_core.execution.record.journal",
    "record_of": "floe_core.execution.record.run_record",
    "has_reported_ends": "floe_core.execution.reports.reported_ends",
    "report_outcome": "floe_core.execution.reports.open_builds",
    "reported_if_killed": "floe_core.execution.reports.open_builds",
    "source_loaded_at": "floe_core.execution.reports.relations",
    "outcome_of_run": "floe_core.execution.record.outcome",
    "wanted_nodes": "floe_core.execution.node_selection.wanted",
}


# Import each name when it is first used: what an orchestrator parses needs only a few.
__getattr__ = importer(__name__, _HOMES)
