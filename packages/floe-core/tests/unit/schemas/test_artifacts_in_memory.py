"""Artifacts that were not loaded from a folder, and copies of artifacts."""

from __future__ import annotations

from pathlib import Path

import pytest

from floe_core.foundation.errors import UsageError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts, OrchestratorChoice, Product
from floe_core.schemas.nodes import Node
from floe_core.schemas.policies import DbtProject


def node(name: str) -> Node:
    return Node(unique_id=name, name=name, resource_type="model", package="shop")


@pytest.fixture
def artifacts() -> CompiledArtifacts:
    dbt = DbtProject(
        project_name="shop",
        profile_name="shop",
        target_name="dev",
        adapter="duckdb",
        version="1.11.16",
    )
    return CompiledArtifacts(
        product=Product(name="shop", version="1.0.0"),
        orchestrator=OrchestratorChoice(name="any"),
        dbt=dbt,
        nodes=(node("a"),),
        jobs=(),
    )


def test_what_needs_their_folder_is_told_how_to_have_one(
    artifacts: CompiledArtifacts, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        _ = artifacts.folder
    assert str(caught.value) == (
        "these artifacts come from no folder; use CompiledArtifacts.load(folder)"
    )
    assert artifacts.bound_to(tmp_path).folder == tmp_path


def test_a_copy_with_other_nodes_knows_those_alone(artifacts: CompiledArtifacts) -> None:
    assert (list(artifacts.by_id), list(artifacts.graph.parents)) == (["a"], ["a"])
    after = artifacts.model_copy(update={"nodes": (node("b"),)})
    assert (list(after.by_id), list(after.graph.parents)) == (["b"], ["b"])
    assert [each.unique_id for each in after.runnable] == ["b"]
    assert list(artifacts.by_id) == ["a"]
