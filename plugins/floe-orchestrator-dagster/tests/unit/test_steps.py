"""What Dagster knows of steps: assets for what they write, among those of dbt."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from dagster import AssetKey, AssetSpec

from floe_core.foundation.errors import InvalidProductError
from floe_core.runs.build_events import DatasetFact, NodeResult
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node, Step
from floe_core.schemas.policies import Job
from floe_orchestrator_dagster.definitions.product_definitions import definitions_of
from floe_orchestrator_dagster.names.step_assets import dataset_key
from floe_orchestrator_dagster.step.node_results import materialization

MakeNode = Callable[..., Node]
MakeProduct = Callable[..., CompiledArtifacts]


@pytest.fixture
def shop(node: MakeNode, product: MakeProduct) -> Callable[..., CompiledArtifacts]:
    """Return a maker of the product: load -> raw.orders -> orders -> push -> crm.segments."""

    def make(**fields: object) -> CompiledArtifacts:
        nodes = [
            node("source", "orders", source_name="raw"),
            node("model", "all_orders", depends_on=("source.shop.raw.orders", "step.shop.load")),
            node("step", "load", owners=("ops@example.com",), tags=("edge",)),
            node("step", "push", depends_on=("model.shop.all_orders",)),
            node("step", "tell", depends_on=("step.shop.push",)),
        ]
        steps = (
            Step(
                unique_id="step.shop.load",
                python="a:b",
                sources=("source.shop.raw.orders",),
                datasets=("s3://lake/orders",),
            ),
            Step(unique_id="step.shop.push", command=("push",), datasets=("crm.segments",)),
            Step(unique_id="step.shop.tell", command=("tell",), inputs=("crm.segments",)),
        )
        return product(*nodes, steps=steps, **fields)

    return make


def test_a_step_is_an_asset_for_each_thing_that_it_writes(
    shop: Callable[..., CompiledArtifacts],
) -> None:
    graph = definitions_of(shop()).resolve_asset_graph()
    parents = {
        key.to_user_string(): names(graph.get(key).parent_keys)
        for key in graph.get_all_asset_keys()
    }
    assert parents == {
        "raw/orders": set(),
        "s3/lake/orders": set(),
        "all_orders": {"raw/orders"},
        "crm/segments": {"all_orders"},
        "tell": {"crm/segments"},
    }
    assert all(graph.get(key).is_materializable for key in graph.get_all_asset_keys())
    loaded = graph.get(AssetKey(["raw", "orders"]))
    assert loaded.owners == ["ops@example.com"]
    assert "edge" in loaded.tags
    assert loaded.kinds == {"python"}


def names(keys: set[AssetKey]) -> set[str]:
    return {key.to_user_string() for key in keys}


def test_a_job_takes_the_steps_that_it_has(shop: Callable[..., CompiledArtifacts]) -> None:
    part = Job(name="part", node_ids=("model.shop.all_orders", "step.shop.load"))
    definitions = definitions_of(shop(jobs=(Job(name="web-shop"), part)))
    job = definitions.resolve_job_def("web_shop__part")
    assert names(job.asset_layer.executable_asset_keys) == {
        "raw/orders",
        "s3/lake/orders",
        "all_orders",
    }


def test_a_team_may_translate_what_a_step_writes(shop: Callable[..., CompiledArtifacts]) -> None:
    def translate(node: Node, spec: AssetSpec) -> AssetSpec:
        return spec.replace_attributes(group_name="team")

    graph = definitions_of(shop(), translate).resolve_asset_graph()
    assert {graph.get(key).group_name for key in graph.get_all_asset_keys()} == {"team"}


def test_two_nodes_with_one_key_are_refused(node: MakeNode, product: MakeProduct) -> None:
    steps = (Step(unique_id="step.shop.load", command=("load",), datasets=("orders",)),)
    with pytest.raises(InvalidProductError, match="have the same Dagster asset key, orders"):
        definitions_of(product(node("model", "orders"), node("step", "load"), steps=steps))


def test_rows_and_versions_are_those_of_each_dataset() -> None:
    facts = (DatasetFact("raw.orders", 7, "v1"), DatasetFact("raw.payments", None))
    result = NodeResult("step.shop.load", "success", rows=9, datasets=facts)
    orders = materialization(result, AssetKey(["raw", "orders"]), "raw.orders")
    other = materialization(result, AssetKey(["raw", "other"]), "raw.other")
    alone = materialization(NodeResult("step.shop.load", "success", rows=9), AssetKey("x"), "x")
    assert (orders.metadata or {})["dagster/row_count"] == 7
    assert orders.data_version is not None
    assert orders.data_version.value == "v1"
    assert "dagster/row_count" not in (other.metadata or {})
    assert (alone.metadata or {})["dagster/row_count"] == 9


@pytest.mark.parametrize(
    ("dataset", "path"),
    [
        ("segments", ["segments"]),
        ("crm.segments", ["crm", "segments"]),
        ("s3://lake/a-b/c.csv", ["s3", "lake", "a_b", "c", "csv"]),
    ],
)
def test_the_key_of_a_dataset_is_the_parts_of_its_name(dataset: str, path: list[str]) -> None:
    assert dataset_key(dataset).path == path
