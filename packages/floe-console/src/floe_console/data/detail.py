"""One run with its nodes, and one node with why it failed and who is affected, as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from floe_console.data.as_data import progress_of, run_as_data
from floe_console.data.causes import FAILED, affected_nodes, affected_products, causes_of
from floe_console.data.product_status import last_failures
from floe_console.data.refresh import Platform
from floe_console.data.run_book import ListedRun
from floe_console.data.run_nodes import RunNodes, compiled_sql
from floe_core.plugin_api.run_history import RecordedNode
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

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
