"""Link dbt's graph faster.

In `dbt build`, each node waits for the tests of what it reads. To find them, dbt walks from each
node up to the sources and copies what it passes: with 1,000 models, this takes as long as building
fifty of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from graphlib import CycleError, TopologicalSorter
from typing import Any

from floe_core.dbt.lighter_dbt.known_source import are_known, replaced


@contextmanager
def faster_links() -> Iterator[None]:
    """Make dbt find the same edges and cycles faster, inside the block."""
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

    Sets of nodes are represented as integers with a bit for each node.
    """
    bits = {node_id: 1 << place for place, node_id in enumerate(graph)}
    above: dict[str, int] = {}
    for node_id in _in_order(graph) or ():
        above[node_id] = 0
        for parent in graph.predecessors(node_id):
            above[node_id] |= above[parent] | bits[parent]
    tested: dict[str, int] = {}
    for node_id, children in manifest.child_map.items():
        for child in children:
            if child.startswith("test."):
                tested[child] = tested.get(child, 0) | bits.get(node_id, 0)
    needed = {test: _all_of(manifest.nodes[test].depends_on_nodes, bits) for test in tested}
    waiting = [i for i in graph if i in manifest.nodes and not _is_test(manifest.nodes[i])]
    return [
        (test, node_id)
        for node_id in waiting
        for test, needs in needed.items()
        if needs is not None and not needs & ~above[node_id] and tested[test] & above[node_id]
    ]


def _all_of(node_ids: list[str], bits: dict[str, int]) -> int | None:
    """Return the set of these nodes, None if one is not in the graph."""
    if not all(node_id in bits for node_id in node_ids):
        return None
    return sum({bits[node_id] for node_id in node_ids})


def _is_test(node: Any) -> bool:
    return bool(node.resource_type == "test")


def _in_order(graph: Any) -> list[str] | None:
    """Return the nodes, parents first; None if there is a cycle."""
    try:
        return list(TopologicalSorter({i: graph.predecessors(i) for i in graph}).static_order())
    except CycleError:
        return None
