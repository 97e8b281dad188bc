from __future__ import annotations

from floe_core.plugin_powers import ConceptExplainer
from floe_core.product_concepts import CONCEPTS
from floe_orchestrator_prefect import PrefectPlugin


def test_every_concept_is_explained_and_none_is_lost(node, product):
    plugin = PrefectPlugin()
    assert isinstance(plugin, ConceptExplainer)
    found = plugin.concepts(product(node("model", "orders")))
    assert [concept.name for concept in found] == list(CONCEPTS)
    assert all(concept.becomes for concept in found)
    assert {concept.loss for concept in found} == {""}
