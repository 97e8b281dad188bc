from __future__ import annotations

from floe_core.plugin_api.concepts import CONCEPTS
from floe_core.plugin_api.powers import ConceptExplainer
from floe_core.schemas.nodes import Step
from floe_core.schemas.partitions import Partitions
from floe_core.schemas.policies import AlertRule, Deadline, Job
from floe_orchestrator_dagster import DagsterPlugin


def test_every_concept_is_explained_and_none_is_lost(node, product):
    plugin = DagsterPlugin()
    assert isinstance(plugin, ConceptExplainer)
    steps = (Step(unique_id="step.shop.load", command=("load",)),)
    late = {
        "jobs": (Job(name="web-shop", deadline=Deadline(time="07:30")),),
        "alerts": (AlertRule(on=("lateness",), to="env:SHOP_ALERTS"),),
        "partitions": Partitions(by="day", start="2026-01-01"),
    }
    nodes = (node("model", "orders"), node("step", "load"))
    found = plugin.concepts(product(*nodes, steps=steps, **late))
    assert [concept.name for concept in found] == list(CONCEPTS)
    assert all(concept.becomes for concept in found)
    assert {concept.loss for concept in found} == {""}
