"""A node's result as an event of Dagster's, and its messages in the log of the step.

The event is a materialization, or the evaluation of a check. Warnings and errors become events too.
The rest goes to the step's standard output, which Dagster stores and shows beside the events: one
event per line would cost as much as the node itself.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from dagster import (
    AssetCheckKey,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetKey,
    DagsterLogManager,
    DataVersion,
    MaterializeResult,
)

from floe_core.execution import NodeLog, NodeResult


def materialization(
    result: NodeResult,
    key: AssetKey,
    dataset: str = "",
    more: Mapping[str, Any] = MappingProxyType({}),
) -> MaterializeResult[None]:
    """Return the materialization of a node, or of one dataset of a step if `dataset` is given.

    `more` is metadata of the node's relation.
    """
    fact = next((each for each in result.datasets if each.dataset == dataset), None)
    version = fact.version if fact else result.data_version
    of_step = result.rows if dataset and not result.datasets else None
    rows = {"dagster/row_count": fact.rows if fact else of_step}
    return MaterializeResult(
        asset_key=key,
        metadata=_drop_unknown({**result_metadata(result), **rows, **more}),
        data_version=DataVersion(version) if version else None,
    )


def check_result(result: NodeResult, key: AssetCheckKey) -> AssetCheckResult:
    """Return the evaluation of a test; a warning becomes a failed check that blocks nothing."""
    is_warning = result.status == "warn"
    return AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=result.status == "pass",
        severity=AssetCheckSeverity.WARN if is_warning else AssetCheckSeverity.ERROR,
        description=result.message or None,
        metadata=test_metadata(result),
    )


def test_metadata(result: NodeResult) -> dict[str, Any]:
    """Return the metadata of a test's result, under dagster-dbt's names."""
    failed = {"dagster_dbt/failed_row_count": result.failures}
    return _drop_unknown({**result_metadata(result), **failed})


def result_metadata(result: NodeResult) -> dict[str, Any]:
    """Return the metadata of any result, under dagster-dbt's names; None for what is not known."""
    return {
        "Execution Duration": result.seconds,
        "status": result.status,
        "unique_id": result.unique_id,
        "invocation_id": result.invocation_id or None,
    }


def _drop_unknown(metadata: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if value is not None}


def log_node_line(log: DagsterLogManager, line: NodeLog) -> None:
    """Write one of dbt's messages to the step's log, once."""
    if line.level == "error":
        log.error(line.text)
    elif line.level == "warn":
        log.warning(line.text)
    else:
        print(line.text, file=sys.stdout, flush=True)
