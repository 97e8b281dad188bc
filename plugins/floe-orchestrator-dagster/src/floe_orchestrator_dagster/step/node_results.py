"""A node's result as a Dagster event: a materialization, or the evaluation of a check."""

from __future__ import annotations

from typing import Any

from dagster import (
    AssetCheckKey,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetKey,
    DataVersion,
    MaterializeResult,
)

from floe_core.execution import NodeResult


def materialization(
    result: NodeResult, key: AssetKey, dataset: str = ""
) -> MaterializeResult[None]:
    """Return the materialization of a node, or of one dataset of a step if `dataset` is given."""
    fact = next((each for each in result.datasets if each.dataset == dataset), None)
    of_all = None if result.datasets else result.rows
    rows = fact.rows if fact else of_all
    version = fact.version if fact else result.data_version
    return MaterializeResult(
        asset_key=key,
        metadata=_drop_unknown({**_timing(result), "dagster/row_count": rows}),
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
        metadata=_drop_unknown({**_timing(result), "Failed Rows": result.failures}),
    )


def _timing(result: NodeResult) -> dict[str, Any]:
    return {"Execution Duration": result.seconds, "status": result.status}


def _drop_unknown(metadata: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if value is not None}
