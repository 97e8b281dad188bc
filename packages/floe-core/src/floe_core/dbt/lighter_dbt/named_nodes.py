"""Find the nodes that a selection names without comparing each name with each node.

`dbt build` compares all of them three times: to select thirty of 1,000 models takes as long as to
build a dozen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from floe_core.dbt.lighter_dbt.known_source import are_known, replaced

_WILDCARDS = re.compile(r"[*?\[\]]")
_SECTIONS = (
    *("nodes", "exposures", "metrics", "unit_tests", "semantic_models", "saved_queries"),
    "functions",
)


@contextmanager
def indexed_names() -> Iterator[None]:
    """Make dbt look up the names in a selection, inside the block."""
    try:
        from dbt.graph.selector_methods import (
            QualifiedNameSelectorMethod,
            SelectorMethod,
            is_selected_node,
        )
    except ImportError:
        yield
        return
    method = QualifiedNameSelectorMethod
    parts = (method.search, method.node_is_match, SelectorMethod.non_source_nodes)
    if not are_known(*parts, is_selected_node):
        yield
        return
    search_all = method.search
    indexes: dict[tuple[int, ...], tuple[Any, NamedNodes]] = {}

    def search(self: Any, included_nodes: set[str], selector: str) -> Iterator[str]:
        if _WILDCARDS.search(selector):
            yield from search_all(self, included_nodes, selector)
            return
        key = (id(self.manifest), *(len(getattr(self.manifest, name, ())) for name in _SECTIONS))
        if key not in indexes:
            # The manifest is kept, so that no other one has its id.
            indexes[key] = (self.manifest, NamedNodes(self.non_source_nodes(_Everything())))
        for node_id, node in indexes[key][1].candidates(selector):
            if node_id in included_nodes and self.node_is_match(
                selector, node.fqn, node.is_versioned
            ):
                yield node_id

    with replaced(method, "search", search):
        yield


class NamedNodes:
    """Nodes by what may name them: their own name, and each beginning of their qualified names."""

    def __init__(self, nodes: Iterable[tuple[str, Any]]) -> None:
        self._found: dict[str, dict[str, Any]] = {}
        # dbt has rules of its own for the names of versions.
        self._versioned: dict[str, Any] = {}
        for node_id, node in nodes:
            if node.is_versioned:
                self._versioned[node_id] = node
            for name in _names_of(node.fqn):
                self._found.setdefault(name, {})[node_id] = node

    def candidates(self, name: str) -> Iterable[tuple[str, Any]]:
        """Return at least the nodes that dbt selects by a name without wildcards."""
        return {**self._versioned, **self._found.get(name, {})}.items()


class _Everything:
    """A set that contains every node."""

    def __contains__(self, node_id: object) -> bool:
        return True


def _names_of(fqn: list[str]) -> Iterator[str]:
    """Yield what dbt compares a name with, with and without the package in front."""
    for qualified in (fqn, fqn[1:]):
        if qualified:
            yield qualified[-1]
        parts = [part for segment in qualified for part in segment.split(".")]
        yield from (".".join(parts[: count + 1]) for count in range(len(parts)))
