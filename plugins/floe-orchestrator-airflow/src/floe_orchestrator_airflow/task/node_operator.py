"""The task that builds one node of a product on a worker, given by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.names.airflow_exceptions import AirflowFailException
from floe_orchestrator_airflow.task.nodes_operator import FloeNodesOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class FloeNodeOperator(FloeNodesOperator):
    """Builds one node, given by its id or its name. See `FloeNodesOperator` for the rest."""

    custom_operator_name = "dbt node"

    def __init__(self, *, node: str, **kwargs: Any) -> None:
        super().__init__(node_ids=[node], **kwargs)
        self.node = node

    def execute(self, context: Context) -> None:
        """Build the node; fail unless it passes."""
        artifacts = CompiledArtifacts.load(self._product_folder())
        self.build_nodes(artifacts, (self._find(artifacts),), context)

    def _find(self, artifacts: CompiledArtifacts) -> str:
        found = [n.unique_id for n in artifacts.runnable if self.node in (n.unique_id, n.name)]
        if len(found) != 1:
            how_many = "no node" if not found else f"{len(found)} nodes"
            raise AirflowFailException(f"{artifacts.product.name} has {how_many} '{self.node}'")
        return found[0]
