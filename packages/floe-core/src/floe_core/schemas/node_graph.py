"""The graph of some nodes of a product: which nodes are upstream and downstream of which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from floe_core.foundation.errors import Problem, StaleProductError
from floe_core.schemas.nodes import Node

Edges = Mapping[str, tuple[str, ...]]


class NodeGraph:
    """The edges between these nodes, by id; edges to any other node are left out."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        by_id = {node.unique_id: node for node in nodes}
        self.parents: Edges = {
            node_id: tuple(dict.fromkeys(i for i in node.depends_on if i in by_id))
            for node_id, node in by_id.items()
        }

    @cached_property
    def children(self) -> Edges:
        """Node id -> the nodes that depend on it, in the order of the nodes."""
        found: dict[str, list[str]] = {node_id: [] for node_id in self.parents}
        for node_id, parents in self.parents.items():
            for parent in parents:
                found[parent].append(node_id)
        return {node_id: tuple(children) for node_id, children in found.items()}

    def above(self, node_ids: Iterable[str]) -> set[str]:
        """Return all nodes upstream of these; one of these only if upstream of another."""
        return reached(node_ids, self.parents)

    def below(self, node_ids: Iterable[str]) -> set[str]:
        """Return all nodes downstream of these; one of these only if downstream of another."""
        return reached(node_ids, self.children)

    def in_order(self) -> list[str]:
        """Return the ids, parents first.

        Raises:
            StaleProductError: The nodes depend on each other in a cycle, which compile refuses.
        """
        try:
            return list(TopologicalSorter(self.parents).static_order())
        except CycleError as error:
            what = f"nodes form a cycle: {' -> '.join(error.args[1])}"
            fix = "run `floe compile` in the product folder"
            raise StaleProductError([Problem(what, fix, "compiled_artifacts.json")]) from None

    def cycle(self) -> list[str]:
        """Return the ids of a cycle, with the first one repeated at the end; none if it has none.

        >>> NodeGraph([]).cycle()
        []
        """
        try:
            TopologicalSorter(self.parents).prepare()
        except CycleError as error:
            return list(error.args[1])
        return []


def reached(node_ids: Iterable[str], edges: Edges) -> set[str]:
    """Return all ids reachable from these; one of these only if reachable from another."""
    found: set[str] = set()
    frontier = list(node_ids)
    while frontier:
        for node_id in edges.get(frontier.pop(), ()):
            if node_id not in found:
                found.add(node_id)
                frontier.append(node_id)
    return found


def with_freshness(taken: Iterable[str], nodes: Iterable[Node]) -> tuple[str, ...]:
    """Return these ids and those of the freshness tests of the sources they read, sorted."""
    ids, nodes = set(taken), tuple(nodes)
    read = {parent for node in nodes if node.unique_id in ids for parent in node.depends_on}
    fresh = (node.unique_id for node in nodes if node.is_freshness and node.tested in read)
    return tuple(sorted({*ids, *fresh}))
