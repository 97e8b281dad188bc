from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from floe_core.schemas.compiled_artifacts import CompiledArtifacts, OrchestratorChoice, Product
from floe_core.schemas.nodes import Node
from floe_core.schemas.policies import DbtProject, Job

MakeNode = Callable[..., Node]
MakeProduct = Callable[..., CompiledArtifacts]


@pytest.fixture
def node() -> MakeNode:
    """Return a maker of nodes: `node("model", "orders", depends_on=(...))`."""

    def make(kind: str, name: str, **fields: Any) -> Node:
        prefix = f"{kind}.shop.{fields.get('source_name')}" if kind == "source" else f"{kind}.shop"
        defaults = {
            "unique_id": f"{prefix}.{name}",
            "name": name,
            "resource_type": kind,
            "package": "shop",
            "identifier": name,
            "fqn": ("shop", name),
        }
        return Node(**{**defaults, **fields})

    return make


@pytest.fixture
def product() -> MakeProduct:
    """Return a maker of artifacts without a folder: `product(nodes, jobs=...)`."""

    def make(*nodes: Node, name: str = "web-shop", **fields: Any) -> CompiledArtifacts:
        dbt = DbtProject(
            project_name="shop",
            profile_name="shop",
            target_name="default",
            adapter="duckdb",
            version="1.11.16",
        )
        known = {
            "product": Product(name=name, version="1.0.0"),
            "orchestrator": OrchestratorChoice(name="prefect"),
            "dbt": dbt,
            "jobs": (Job(name=name),),
        }
        return CompiledArtifacts(nodes=nodes, **{**known, **fields})

    return make
