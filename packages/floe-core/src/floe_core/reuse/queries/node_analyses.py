"""Analyze the code of each node, given the known columns of the relations that it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from floe_core.reuse.queries.analysis import Analysis, Input, analysis_of_text
from floe_core.reuse.queries.own_rows import repeats
from floe_core.reuse.queries.parts import WHOLE, Leaf, Part
from floe_core.reuse.situation import Situation, is_adding
from floe_core.reuse.state import Versions
from floe_core.schemas.nodes import Node


class NodeAnalyses:
    """Analyses of a plan's nodes; `versions` is node id -> the version of its relation so far."""

    def __init__(self, situation: Situation, versions: Mapping[str, Versions]) -> None:
        self._given = situation
        self._versions = versions

    def of(self, node: Node) -> Analysis | None:
        """Return the analysis of a node's code, None if dbt has not compiled it."""
        code = self._given.codes.get(node.unique_id)
        inputs = self._inputs(node)
        if node.resource_type == "seed":
            return self._of_seed(node)
        if code is None:
            return None
        if node.language != "sql" or node.resource_type == "function":
            return analysis_of_text(code, inputs)
        if not is_adding(node):
            found = self._analyse(code, inputs)
            if not node.reuse.reads_whole:
                return found
            whole = {Leaf(each.node_id, WHOLE) for each in inputs}
            return replace(found, rows=Part(found.rows.hash, found.rows.leaves | whole))
        # It may read its own existing relation, which is not an input.
        found = self._analyse(code, [*inputs, _itself(node)])
        return analysis_of_text(found.tree, inputs, found.never, by_row_order=found.by_row_order)

    def repeats(self, node: Node) -> bool:
        """Return whether a second build of a node with the same inputs surely changes nothing."""
        if not is_adding(node):
            return True
        code = self._given.codes.get(node.unique_id)
        if code is None or not node.reuse.own_rows:
            return False
        overwrites = node.reuse.own_rows == "overwrites"
        return repeats(
            code, self._given.artifacts.dbt.adapter, _itself(node), overwrites=overwrites
        )

    def _analyse(self, code: str, inputs: list[Input]) -> Analysis:
        functions = self._given.warehouse.functions
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


def _itself(node: Node) -> Input:
    return Input(node.unique_id, node.database, node.schema_name, node.identifier)
