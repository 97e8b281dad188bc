"""A small product, made by hand: no dbt, no folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from small_artifacts import small_product

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.schemas.policies import ExecutionPolicy

# What each node depends on. `checked` tests `orders`, `total_checked` tests `total`.
EDGES = {
    "seed.shop.raw": (),
    "model.shop.orders": ("seed.shop.raw",),
    "test.shop.checked": ("model.shop.orders",),
    "model.shop.total": ("model.shop.orders",),
    "test.shop.total_checked": ("model.shop.total",),
    "model.shop.aside": ("seed.shop.raw",),
}


@pytest.fixture
def shop() -> Callable[..., CompiledArtifacts]:
    """Return a function that makes the product; `policies` maps a node's name to its own fields."""

    def make(
        *, retries: int = 0, policies: dict[str, dict[str, Any]] | None = None, **fields: Any
    ) -> CompiledArtifacts:
        nodes = (_node(i, (policies or {}).get(i.split(".")[2], {})) for i in EDGES)
        return small_product(*nodes, **{"execution": ExecutionPolicy(retries=retries), **fields})

    return make


def _node(unique_id: str, policy: dict[str, Any]) -> Node:
    kind, package, name = unique_id.split(".")
    facts = {"resource_type": kind, "package": package, "name": name, "fqn": (package, name)}
    depends_on = EDGES[unique_id]
    return Node.model_validate(
        {"unique_id": unique_id, "depends_on": depends_on, **facts, **policy}
    )
