from __future__ import annotations

import pytest
from dagster import AssetCheckKey, AssetCheckResult, AssetCheckSeverity, AssetKey, MaterializeResult

from floe_core.execution import NodeResult
from floe_orchestrator_dagster.step.node_results import check_result, materialization

KEY = AssetKey(["orders"])
SEVERITY = AssetCheckSeverity


def test_a_materialization_tells_under_dagster_dbts_names():
    result = NodeResult("model.shop.orders", "success", seconds=1.5, invocation_id="5f")
    assert materialization(result, KEY, more={"dagster/row_count": 7}) == MaterializeResult(
        asset_key=KEY,
        metadata={
            "Execution Duration": 1.5,
            "status": "success",
            "unique_id": "model.shop.orders",
            "invocation_id": "5f",
            "dagster/row_count": 7,
        },
    )


def test_rows_that_the_warehouse_wrote_are_not_the_rows_of_the_relation():
    result = NodeResult("model.shop.orders", "success", seconds=1.5, rows=7)
    assert materialization(result, KEY).metadata == {
        "Execution Duration": 1.5,
        "status": "success",
        "unique_id": "model.shop.orders",
    }


@pytest.mark.parametrize(
    ("status", "passed", "severity"),
    [
        ("pass", True, SEVERITY.ERROR),
        ("warn", False, SEVERITY.WARN),
        ("fail", False, SEVERITY.ERROR),
        ("error", False, SEVERITY.ERROR),
    ],
)
def test_a_check_tells_the_verdict_and_how_much_it_weighs(status, passed, severity):
    result = NodeResult("test.shop.t", status, seconds=0.5, message="Got 2", failures=2)
    assert check_result(result, AssetCheckKey(KEY, "t")) == AssetCheckResult(
        asset_key=KEY,
        check_name="t",
        passed=passed,
        severity=severity,
        description="Got 2",
        metadata={
            "Execution Duration": 0.5,
            "status": status,
            "unique_id": "test.shop.t",
            "dagster_dbt/failed_row_count": 2,
        },
    )
