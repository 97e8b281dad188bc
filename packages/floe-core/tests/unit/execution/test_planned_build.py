"""Why no build of a product can reuse anything."""

from __future__ import annotations

import pytest
from small_artifacts import SMALL_DBT, small_product

from floe_core.execution.reuse.planned_build import why_not


@pytest.mark.parametrize("adapter", ["redshift", "bigquery", "trino"])
def test_on_a_warehouse_where_nothing_can_be_told_nothing_is_reused(adapter: str) -> None:
    artifacts = small_product(dbt=SMALL_DBT.model_copy(update={"adapter": adapter}))
    works = "it works on duckdb, postgres, snowflake, spark and sqlite"
    assert why_not(artifacts) == f"reuse cannot read the state of {adapter}; {works}"
