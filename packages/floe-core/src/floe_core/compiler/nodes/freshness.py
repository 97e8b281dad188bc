"""Put the freshness of dbt sources into the graph, as tests of the sources."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from floe_core.schemas.nodes import FRESHNESS, Node, source_name
from floe_core.schemas.policies import FreshnessPolicy

Entry = Mapping[str, Any]


def add_freshness(
    nodes: Sequence[Node], manifest: Entry, policy: FreshnessPolicy
) -> tuple[Node, ...]:
    """Return the nodes with a test for each source whose freshness the dbt project defines.

    With `gate`, a stale source holds back the nodes that read it, like any failed test of it. With
    `report`, it is a warning.
    """
    if policy == "off":
        return tuple(nodes)
    sources = manifest.get("sources") or {}
    severity = "error" if policy == "gate" else "warn"
    found = [
        _freshness_of(node, criteria, severity)
        for node in nodes
        if node.resource_type == "source" and node.unique_id in sources
        if (criteria := _criteria(sources[node.unique_id]))
    ]
    return tuple(sorted([*nodes, *found], key=lambda node: node.unique_id))


def _criteria(source: Entry) -> dict[str, Any]:
    """Return `warn_after` and `error_after` of a source, none where neither is set."""
    freshness = source.get("freshness") or (source.get("config") or {}).get("freshness") or {}
    limits = {name: freshness.get(name) or {} for name in ("warn_after", "error_after")}
    return {name: limit for name, limit in limits.items() if limit.get("count") is not None}


def _freshness_of(source: Node, criteria: Mapping[str, Any], severity: str) -> Node:
    name = f"freshness_{source.source_name}_{source.name}"
    text = json.dumps(criteria, sort_keys=True)
    return Node(
        unique_id=f"{FRESHNESS}.{source.unique_id.removeprefix('source.')}",
        name=name,
        resource_type="test",
        package=source.package,
        path=source.path,
        fqn=(source.package, name),
        depends_on=(source.unique_id,),
        description=f"Whether the source {source_name(source)} is fresh, as dbt measures it.",
        tested=source.unique_id,
        test_kind=FRESHNESS,
        severity=severity,
        config_hash=sha256(text.encode()).hexdigest(),
    )
