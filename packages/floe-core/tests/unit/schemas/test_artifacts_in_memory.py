"""Artifacts that were not loaded from a folder, and copies of artifacts."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_artifacts import small_node, small_product

from floe_core.foundation.errors import UsageError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

A, B = "model.shop.a", "model.shop.b"


@pytest.fixture
def artifacts() -> CompiledArtifacts:
    return small_product(small_node("model", "a"))


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
    assert (list(artifacts.by_id), list(artifacts.graph.parents)) == ([A], [A])
    after = artifacts.model_copy(update={"nodes": (small_node("model", "b"),)})
    assert (list(after.by_id), list(after.graph.parents)) == ([B], [B])
    assert [each.unique_id for each in after.runnable] == [B]
    assert list(artifacts.by_id) == [A]
