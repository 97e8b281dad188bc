"""One run with its nodes, and one node with why it failed and who is affected, as JSON."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from floe_console.data.as_data import progress_of, run_as_data
from floe_console.data.product_status import last_failures
from floe_console.data.refresh import Platform
from floe_console.data.run_book import ListedRun
from floe_console.data.run_nodes import RunNodes, compiled_sql
from floe_console.live_product import orchestrators_of
from floe_core.plugin_api.run_history import RecordedNode
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.node_graph import NodeGraph

FAILED = frozenset({"error", "fail"})

_ORDER = ("error", "fail", "running", "warn", "skipped", "pending", "success", "pass", "reused")


def run_detail(platform: Platform, listed: ListedRun) -> dict[str, Any]:
    """Return a run with its nodes: those that failed first, then in the order of the graph."""
    product, nodes = platform.known.artifacts.get(listed.run.product), platform.nodes(listed)
    failed = [each.unique_id for each in nodes.nodes if each.state in FAILED]
    return {
        **run_as_data(listed),
        "source": nodes.source,
        "unknown": nodes.unknown,
        "problem": nodes.problem,
        "progress": progress_of(listed, nodes, product),
        "nodes": _nodes(product, nodes) if product else [],
        "affected": _affected(platform, listed.run.product, failed) if failed else [],
        "upstream_failures": upstream_failures(platform, listed.run.product),
    }


def node_detail(platform: Platform, listed: ListedRun, node_id: str) -> dict[str, Any] | None:
    """Return a node of a run: its message, its SQL, causes, and who is affected; None for none."""
    product = platform.known.artifacts.get(listed.run.product)
    if product is None or node_id not in product.by_id:
        return None
    node, nodes = product.by_id[node_id], platform.nodes(listed)
    found = nodes.by_id.get(node_id)
    sql, why_no_sql = compiled_sql(product, listed.run, node)
    causes = causes_of(product, node_id, nodes.by_id)
    below = affected_nodes(product, [node_id])
    return {
        "run": run_as_data(listed),
        "node": _node(product, node_id, found),
        "description": node.description,
        "path": node.path,
        "relation": ".".join(filter(None, (node.database, node.schema_name, node.identifier))),
        "sql": sql,
        "sql_unknown": why_no_sql,
        "unknown": nodes.unknown,
        "causes": [_node(product, each, nodes.by_id.get(each)) for each in causes],
        "upstream_failures": upstream_failures(platform, listed.run.product),
        "downstream": [_node(product, each, nodes.by_id.get(each)) for each in below],
        "affected": _affected(platform, listed.run.product, [node_id]),
    }


def upstream_failures(platform: Platform, product: str) -> list[dict[str, Any]]:
    """Return the products whose ports a product reads and whose last run failed."""
    artifacts = platform.known.artifacts.get(product)
    names = dict.fromkeys(port.product for port in artifacts.input_ports) if artifacts else {}
    return [
        {"product": name, "jobs": jobs}
        for name in names
        if (jobs := last_failures(platform.book.of_product(name)))
    ]


def _affected(platform: Platform, product: str, node_ids: list[str]) -> list[dict[str, Any]]:
    found = affected_products(platform.known.artifacts, product, node_ids)
    return [{**asdict(each), "nodes": len(each.nodes)} for each in found]


def _nodes(product: CompiledArtifacts, nodes: RunNodes) -> list[dict[str, Any]]:
    place = {node_id: number for number, node_id in enumerate(product.graph.in_order())}
    found = sorted(
        nodes.nodes,
        key=lambda each: (_ORDER.index(each.state), place.get(each.unique_id, len(place))),
    )
    return [_node(product, each.unique_id, each) for each in found]


def _node(product: CompiledArtifacts, node_id: str, found: RecordedNode | None) -> dict[str, Any]:
    node = product.by_id.get(node_id)
    return {
        "unique_id": node_id,
        "name": node.label if node else node_id,
        "type": node.resource_type if node else "",
        "state": found.state if found else "unknown",
        "seconds": found.seconds if found else None,
        "rows": found.rows if found else None,
        "message": found.message if found else "",
    }


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
