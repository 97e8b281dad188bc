"""Run dbt for a part of a product and report what happens, the same under every orchestrator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from floe_core.foundation.lazy_names import importer
from floe_core.runs.build_events import BuildEnded as BuildEnded
from floe_core.runs.build_events import BuildEvent as BuildEvent
from floe_core.runs.build_events import NodeLog as NodeLog
from floe_core.runs.build_events import NodeResult as NodeResult
from floe_core.runs.build_events import NodeStarted as NodeStarted
from floe_core.runs.build_events import NodeStatus as NodeStatus
from floe_core.runs.build_events import PartitionResult as PartitionResult
from floe_core.runs.build_request import BuildRequest as BuildRequest
from floe_core.runs.run_parameters import RunParameters as RunParameters

if TYPE_CHECKING:
    from floe_core.execution.build_run import build as build
    from floe_core.execution.node_selection import chosen_nodes as chosen_nodes
    from floe_core.execution.node_selection import nodes_of_job as nodes_of_job
    from floe_core.execution.node_selection import wanted_nodes as wanted_nodes
    from floe_core.execution.record.attempt import Attempt as Attempt
    from floe_core.execution.record.attempt import attempt_by_hand as attempt_by_hand
    from floe_core.execution.record.attempt import attempt_of_caller as attempt_of_caller
    from floe_core.execution.record.attempt import automatic_attempt as automatic_attempt
    from floe_core.execution.record.attempt import first_attempt_number as first_attempt_number
    from floe_core.execution.record.attempt import may_retry as may_retry
    from floe_core.execution.record.journal import RunRecord as RunRecord
    from floe_core.execution.record.journal import read_events as read_events
    from floe_core.execution.record.journal import record_of as record_of
    from floe_core.execution.record.outcome import outcome_of_run as outcome_of_run
    from floe_core.execution.record.verdict import BuildFailure as BuildFailure
    from floe_core.execution.record.verdict import failure_of as failure_of
    from floe_core.execution.record.verdict import failure_of_build as failure_of_build
    from floe_core.execution.reports.killed_builds import report_outcome as report_outcome
    from floe_core.execution.reports.open_build import reported_if_killed as reported_if_killed
    from floe_core.execution.reports.relations import ColumnOrigins as ColumnOrigins
    from floe_core.execution.reports.relations import built_relation as built_relation
    from floe_core.execution.reports.relations import column_origins as column_origins
    from floe_core.execution.reports.relations import source_loaded_at as source_loaded_at
    from floe_core.execution.reports.reported_ends import has_reported_ends as has_reported_ends
    from floe_core.foundation.child_processes import end_with_parent as end_with_parent

_HOMES = {
    "Attempt": "floe_core.execution.record.attempt",
    "BuildFailure": "floe_core.execution.record.verdict",
    "ColumnOrigins": "floe_core.execution.reports.relations",
    "RunRecord": "floe_core.execution.record.journal",
    "attempt_by_hand": "floe_core.execution.record.attempt",
    "attempt_of_caller": "floe_core.execution.record.attempt",
    "automatic_attempt": "floe_core.execution.record.attempt",
    "build": "floe_core.execution.build_run",
    "built_relation": "floe_core.execution.reports.relations",
    "chosen_nodes": "floe_core.execution.node_selection",
    "column_origins": "floe_core.execution.reports.relations",
    "end_with_parent": "floe_core.foundation.child_processes",
    "failure_of": "floe_core.execution.record.verdict",
    "failure_of_build": "floe_core.execution.record.verdict",
    "first_attempt_number": "floe_core.execution.record.attempt",
    "may_retry": "floe_core.execution.record.attempt",
    "nodes_of_job": "floe_core.execution.node_selection",
    "read_events": "floe_core.execution.record.journal",
    "record_of": "floe_core.execution.record.journal",
    "has_reported_ends": "floe_core.execution.reports.reported_ends",
    "report_outcome": "floe_core.execution.reports.killed_builds",
    "reported_if_killed": "floe_core.execution.reports.open_build",
    "source_loaded_at": "floe_core.execution.reports.relations",
    "outcome_of_run": "floe_core.execution.record.outcome",
    "wanted_nodes": "floe_core.execution.node_selection",
}


# Import each name when it is first used: what an orchestrator parses needs only a few.
__getattr__ = importer(__name__, _HOMES)
