"""Why a node failed or was skipped, and who is affected downstream, across products."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from floe_console.live_product import orchestrators_of
from floe_core.plugin_api.run_history import RecordedNode
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.node_graph import NodeGraph

FAILED = frozenset({"error", "fail"})


@dataclass(frozen=True, slots=True)
class AffectedProduct:
    """A product that reads what a failed node feeds. `ports` are those by which it does."""

    product: str
    orchestrator: str
    owner: str
    ports: tuple[str, ...]
    nodes: tuple[str, ...]


def causes_of(
    product: CompiledArtifacts, node_id: str, nodes: Mapping[str, RecordedNode]
) -> list[str]:
    """Return the failed nodes upstream of a node that no other failure explains, sorted.

    The tests of upstream nodes are causes too: dbt skips what reads a node whose test failed.
    """
    graph: NodeGraph = product.graph
    above = graph.above([node_id])
    tests = {
        each.unique_id
        for each in product.nodes
        if each.is_test and set(each.depends_on) & above and each.unique_id != node_id
    }
    failed = {each for each in above | tests if each in nodes and nodes[each].state in FAILED}
    explained = {each for each in failed if graph.above([each]) & failed}
    return sorted(failed - explained)


def affected_nodes(product: CompiledArtifacts, node_ids: Iterable[str]) -> list[str]:
    """Return the nodes downstream of these in their product, in the order of its graph.

    What a test holds back is what reads the nodes that it tests.
    """
    starts = set(node_ids)
    tested = {
        parent
        for each in starts
        if each in product.by_id and product.by_id[each].is_test
        for parent in product.by_id[each].depends_on
    }
    below = product.graph.below(starts | tested) - starts
    return [
        each.unique_id for each in product.nodes if each.unique_id in below and not each.is_test
    ]


def affected_products(
    products: Mapping[str, CompiledArtifacts], product: str, node_ids: Iterable[str]
) -> list[AffectedProduct]:
    """Return the products that read, directly or through others, what these nodes feed."""
    found: dict[str, AffectedProduct] = {}
    waiting = deque([(product, frozenset(node_ids))])
    while waiting:
        name, failed = waiting.popleft()
        ports = _ports_behind(products[name], name, failed)
        for other, reader in products.items():
            read = {p.key: p.node_id for p in reader.input_ports if p.key in ports}
            if not read or other in (product, *found):
                continue
            starts = frozenset(each for each in read.values() if each)
            below = affected_nodes(reader, starts)
            found[other] = AffectedProduct(
                other,
                " and ".join(orchestrators_of(reader)),
                reader.product.owner,
                tuple(sorted(read)),
                tuple(below),
            )
            waiting.append((other, starts | frozenset(below)))
    return list(found.values())


def _ports_behind(product: CompiledArtifacts, name: str, failed: frozenset[str]) -> frozenset[str]:
    behind = failed | set(affected_nodes(product, failed))
    return frozenset(port.key_in(name) for port in product.ports if port.node_id in behind)
