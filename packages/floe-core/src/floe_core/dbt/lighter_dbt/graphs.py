"""Link dbt's graph faster, and find in it the nodes that a selection names.

In `dbt build`, each node waits for the tests of what it reads. To find them, dbt walks from each
node up to the sources, copies what it passes, and links each test to everything below: with 1,000
models, this takes as long as building fifty of them, and 10,000 can have 8 million such links.

`dbt build` compares all of them three times: to select thirty of 1,000 models takes as long as to
build a dozen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from graphlib import CycleError, TopologicalSorter
from typing import Any

from floe_core.dbt.lighter_dbt.known_source import are_known, replaced


@contextmanager
def faster_links() -> Iterator[None]:
    """Make dbt find the same order and cycles faster, inside the block."""
    try:
        from dbt.compilation import Linker, _get_tests_for_node
    except ImportError:
        yield
        return
    found = [getattr(Linker, name, None) for name in ("add_test_edges_1", "find_cycles")]
    if not are_known(*found, _get_tests_for_node):
        yield
        return
    name_cycle = Linker.find_cycles

    @wraps(name_cycle)
    def find_cycles(self: Any) -> Any:
        return None if _in_order(self.graph) is not None else name_cycle(self)

    def add_test_edges_1(self: Any, manifest: Any) -> None:
        for test, node in edges_of_tests(self.graph, manifest):
            self.graph.add_edge(test, node, edge_type="parent_test")

    with (
        replaced(Linker, "add_test_edges_1", add_test_edges_1),
        replaced(Linker, "find_cycles", find_cycles),
    ):
        yield


def edges_of_tests(graph: Any, manifest: Any) -> list[tuple[str, str]]:
    """Return pairs of a test and a node, for each node downstream of all the test's parents.

    A node is left out if it is downstream of another one that waits for the test: it waits
    anyway. Sets of nodes are represented as integers with a bit for each node.
    """
    names = list(graph)
    bits = {node_id: 1 << place for place, node_id in enumerate(names)}
    tests = {
        node_id: _all_of((i for i in children if i.startswith("test.") and i in bits), bits)
        for node_id, children in manifest.child_map.items()
    }
    above: dict[str, int] = {}
    above_tests: dict[str, int] = {}
    pairs = []
    for node_id in _in_order(graph) or ():
        before = found = 0
        for parent in graph.predecessors(node_id):
            before |= above[parent] | bits[parent]
            found |= above_tests[parent] | tests.get(parent, 0)
        waits_for = []
        if node_id in manifest.nodes and not _is_test(manifest.nodes[node_id]):
            for test in _names_in(found & ~before, names):
                needs = _all_of(manifest.nodes[test].depends_on_nodes, bits)
                if not needs & ~before:
                    waits_for.append(test)
        pairs += [(test, node_id) for test in waits_for]
        above[node_id], above_tests[node_id] = before | _all_of(waits_for, bits), found
    return pairs


def _all_of(node_ids: Iterable[str], bits: dict[str, int]) -> int:
    """Return the set of these nodes; one that is not in the graph is an additional bit."""
    found = 0
    for node_id in node_ids:
        found |= bits.get(node_id, 1 << len(bits))
    return found


def _names_in(nodes: int, names: list[str]) -> Iterator[str]:
    while nodes:
        lowest = nodes & -nodes
        yield names[lowest.bit_length() - 1]
        nodes ^= lowest


def _is_test(node: Any) -> bool:
    return bool(node.resource_type == "test")


def _in_order(graph: Any) -> list[str] | None:
    """Return the nodes, parents first; None if there is a cycle."""
    try:
        return list(TopologicalSorter({i: graph.predecessors(i) for i in graph}).static_order())
    except CycleError:
        return None


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
