"""Plugins that load another graph than the product's."""

from __future__ import annotations

from paper_orchestrator import PaperPlugin

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node


class DropsAnEdge(PaperPlugin):
    """The direct edge of two nodes that are also connected through a third."""

    caught_by = "test_the_graph_is_the_products_edge_for_edge"

    def upstream(self, node: Node, artifacts: CompiledArtifacts) -> set[str]:
        found = super().upstream(node, artifacts)
        return found - {"stg_orders"} if node.name == "daily_sales" else found


class TurnsAnEdge(PaperPlugin):
    caught_by = "test_the_graph_is_the_products_edge_for_edge"

    def upstream(self, node: Node, artifacts: CompiledArtifacts) -> set[str]:
        turned = {"raw_orders": {"stg_orders"}, "stg_orders": set()}
        return turned.get(node.name, super().upstream(node, artifacts))


class AddsAnEdge(PaperPlugin):
    """One that does not change the order in which dbt could build."""

    caught_by = "test_the_graph_is_the_products_edge_for_edge"

    def upstream(self, node: Node, artifacts: CompiledArtifacts) -> set[str]:
        found = super().upstream(node, artifacts)
        return found | {"orders"} if node.resource_type == "snapshot" else found


class ForgetsTheSecondParentOfATest(PaperPlugin):
    caught_by = "test_the_graph_is_the_products_edge_for_edge"

    def upstream(self, node: Node, artifacts: CompiledArtifacts) -> set[str]:
        return set(sorted(super().upstream(node, artifacts))[: 1 if node.is_test else None])


class ForgetsSources(PaperPlugin):
    caught_by = "test_the_graph_is_the_products_edge_for_edge"

    def upstream(self, node: Node, artifacts: CompiledArtifacts) -> set[str]:
        return super().upstream(node, artifacts) - {"people"}
