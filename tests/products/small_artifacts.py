"""Nodes and artifacts made by hand, without a compile or a folder."""

from __future__ import annotations

from typing import Any

from floe_core.schemas.compiled_artifacts import CompiledArtifacts, OrchestratorChoice, Product
from floe_core.schemas.nodes import Node
from floe_core.schemas.policies import DbtProject, Job

SMALL_DBT = DbtProject(
    project_name="shop",
    profile_name="shop",
    target_name="dev",
    adapter="duckdb",
    version="1.11.16",
)


def small_node(kind: str, name: str, **fields: Any) -> Node:
    """Return a node of the package shop: `small_node("model", "orders", depends_on=(...))`."""
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


def small_product(*nodes: Node, name: str = "shop", **fields: Any) -> CompiledArtifacts:
    """Return a product of these nodes, with one job of its own name where none are given."""
    known = {
        "product": Product(name=name, version="1.0.0"),
        "orchestrator": OrchestratorChoice(name="any"),
        "dbt": SMALL_DBT,
        "jobs": (Job(name=name),),
    }
    return CompiledArtifacts(nodes=nodes, **{**known, **fields})
