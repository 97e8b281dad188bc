"""Why no build of a product can reuse anything."""

from __future__ import annotations

import pytest

from floe_core.execution.reusing.planned_build import why_not
from floe_core.schemas.compiled_artifacts import CompiledArtifacts, OrchestratorChoice, Product
from floe_core.schemas.policies import DbtProject, Job


@pytest.mark.parametrize("adapter", ["redshift", "bigquery", "trino"])
def test_on_a_warehouse_where_nothing_can_be_told_nothing_is_reused(adapter: str) -> None:
    dbt = DbtProject(
        project_name="shop", profile_name="shop", target_name="dev", adapter=adapter, version="1"
    )
    artifacts = CompiledArtifacts(
        product=Product(name="shop", version="1"),
        orchestrator=OrchestratorChoice(name="any"),
        dbt=dbt,
        nodes=(),
        jobs=(Job(name="shop"),),
    )
    works = "it works on duckdb, postgres, snowflake, spark and sqlite"
    assert why_not(artifacts) == f"reuse cannot read the state of {adapter}; {works}"
