"""What the code of each node says of it, given what is known of the relations that it reads."""

from __future__ import annotations

from collections.abc import Mapping

from floe_core.reuse.queries.analysis import Analysis, Input, analysis_of_text
from floe_core.reuse.queries.parts import WHOLE, Part
from floe_core.reuse.situation import Situation, is_adding
from floe_core.reuse.state import Versions
from floe_core.schemas.nodes import Node


class NodeAnalyses:
    """Analyses of a plan's nodes; `versions` is node id -> what is known by now of its relation."""

    def __init__(self, situation: Situation, versions: Mapping[str, Versions]) -> None:
        self._given = situation
        self._versions = versions

    def of(self, node: Node) -> Analysis | None:
        """Return what a node's code says of it, None where dbt has not compiled it."""
        code = self._given.codes.get(node.unique_id)
        inputs = self._inputs(node)
        if node.resource_type == "seed":
            return self._of_seed(node)
        if code is None:
            return None
        if node.language != "sql":
            return analysis_of_text(code, inputs)
        if not is_adding(node):
            return self._analyse(code, inputs)
        # It may read what there is of itself already, which is no input.
        itself = Input(node.unique_id, node.database, node.schema_name, node.identifier)
        found = self._analyse(code, [*inputs, itself])
        return analysis_of_text(found.tree, inputs, found.never, by_row_order=found.by_row_order)

    def _analyse(self, code: str, inputs: list[Input]) -> Analysis:
        functions = self._given.warehouse.steady_functions
        return self._given.analyse(
            code, self._given.artifacts.dbt.adapter, tuple(inputs), functions
        )

    def _of_seed(self, node: Node) -> Analysis | None:
        versions = self._given.seeds.get(node.unique_id)
        if versions is None:
            return None
        columns = versions.columns
        parts = None if columns is None else {name: Part(each) for name, each in columns.items()}
        return Analysis(versions.of(WHOLE), Part(versions.rows), parts, by_row_order=False)

    def _inputs(self, node: Node) -> list[Input]:
        found = []
        for parent in self._given.parents(node):
            versions = self._versions.get(parent.unique_id)
            columns = versions.columns if versions else None
            place = (parent.database, parent.schema_name, parent.identifier)
            names = None if columns is None else tuple(columns)
            found.append(Input(parent.unique_id, *place, names))
        return found
