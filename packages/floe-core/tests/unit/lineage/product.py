"""A small product and one run of it, with every kind of end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from floe_core.runs.build_events import NodeResult, NodeStarted
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts, OrchestratorChoice, Product
from floe_core.schemas.nodes import Column, Node, ResourceType
from floe_core.schemas.policies import DbtProject, Job, LineageSettings

START = datetime(2026, 3, 1, 6, 0, 1, 250_000, tzinfo=UTC)
TICK = datetime(2026, 3, 1, 6, tzinfo=UTC)
REQUEST = BuildRequest(job="shop", run_id="manual__1", nominal_time=TICK)
SQL = 'select id, amount from "shop"."main"."raw_orders"'


def node(resource_type: ResourceType, name: str, **more: Any) -> Node:
    more = {"database": "shop", "schema_name": "main", "identifier": name, **more}
    return Node(
        unique_id=f"{resource_type}.shop.{name}",
        name=name,
        resource_type=resource_type,
        package="shop",
        **more,
    )


NODES = (
    node("source", "clicks", columns=(Column(name="at", type="timestamp"),)),
    node("seed", "raw_orders"),
    node(
        "model",
        "orders",
        depends_on=("seed.shop.raw_orders", "source.shop.clicks"),
        columns=(
            Column(name="id", type="integer", description="The order's number."),
            Column(name="amount"),
        ),
        description="One row an order.",
        tags=("daily",),
        tier="gold",
        owners=("orders-team",),
    ),
    node(
        "test",
        "id_is_there",
        depends_on=("model.shop.orders",),
        tested="model.shop.orders",
        test_kind="not_null",
        test_column="id",
        severity="error",
    ),
    node(
        "test",
        "few_refunds",
        depends_on=("model.shop.orders", "seed.shop.raw_orders"),
        severity="warn",
    ),
    node("unit_test", "adds_up", depends_on=("model.shop.orders",), tested="model.shop.orders"),
    node("model", "broken", depends_on=("model.shop.orders",), language="python"),
    node("model", "after", depends_on=("model.shop.broken",), version="2"),
    node("model", "hung", depends_on=("model.shop.orders",)),
)


def artifacts(project_dir: Path, lineage: LineageSettings | None = None) -> CompiledArtifacts:
    return CompiledArtifacts(
        product=Product(
            name="shop",
            version="1.0.0",
            owner="data@example.com",
            description="Sells things.",
            labels={"domain": "retail"},
        ),
        orchestrator=OrchestratorChoice(name="any"),
        dbt=DbtProject(
            project_name="shop",
            profile_name="shop",
            target_name="dev",
            adapter="duckdb",
            version="1.11.16",
            profile={
                "type": "duckdb",
                "path": "{{ env_var('FLOE_PROJECT_DIR', '.') }}/shop.duckdb",
            },
        ),
        nodes=NODES,
        jobs=(Job(name="shop"),),
        lineage=lineage or LineageSettings(),
    ).bound_to(project_dir)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def started(unique_id: str, seconds: float) -> NodeStarted:
    return NodeStarted(unique_id, after(seconds))


def result(unique_id: str, status: Any, seconds: float, **more: Any) -> NodeResult:
    times = {"started_at": after(seconds - 1), "ended_at": after(seconds)}
    return NodeResult(unique_id, status, 1.0, **{**times, **more})
