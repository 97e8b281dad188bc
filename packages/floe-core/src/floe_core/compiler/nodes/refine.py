"""Apply floe.yaml to dbt's graph: transforms refine nodes, freshness of sources becomes tests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from hashlib import sha256
from typing import Any

from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.schemas.floe_yaml import TransformSpec
from floe_core.schemas.node_graph import NodeGraph
from floe_core.schemas.nodes import FRESHNESS, Node, source_name
from floe_core.schemas.policies import FreshnessPolicy


def refine(nodes: Sequence[Node], inputs: Inputs, findings: Findings) -> tuple[Node, ...]:
    """Return the nodes with the settings of their transforms; note those that contradict dbt."""
    refinement = _Refinement(nodes, inputs, findings)
    changed = [refinement.of(index, each) for index, each in enumerate(inputs.spec.transforms)]
    by_id = {node.unique_id: node for node in changed if node is not None}
    return tuple(by_id.get(node.unique_id, node) for node in nodes)


class _Refinement:
    def __init__(self, nodes: Sequence[Node], inputs: Inputs, findings: Findings) -> None:
        self._nodes = {node.unique_id: node for node in nodes}
        self._graph = NodeGraph(nodes)
        self._by_name = names_of_relations(nodes, inputs.dbt_project_name)
        self._document = inputs.spec_document
        self._compute = inputs.manifest.plugins.compute
        self._findings = findings
        self._seen: set[str] = set()

    def of(self, index: int, transform: TransformSpec) -> Node | None:
        """Return the node of a transform with its settings; None if there is no such node."""
        node = self._node(transform.name, ("transforms", index, "name"))
        if node is None:
            return None
        if transform.name in self._seen:
            what = f"transform '{transform.name}' is defined twice"
            self._problem(index, "name", what, "keep one")
        self._seen.add(transform.name)
        self._check_path(index, transform, node)
        self._check_compute(index, transform)
        self._check_depends_on(index, transform, node)
        return node.model_copy(
            update={
                "tags": tuple(sorted({*node.tags, *transform.tags})),
                "tier": transform.tier or "",
                "compute": transform.compute or "",
                "pool": transform.pool or "",
            }
        )

    def _node(self, name: str, location: tuple[str | int, ...]) -> Node | None:
        found = self._by_name.get(name)
        if found is None:
            near = get_close_matches(name, self._by_name, n=1)
            known = ", ".join(sorted(self._by_name)[:12])
            fix = f"did you mean '{near[0]}'?" if near else f"the dbt project has: {known}"
            what = f"unknown transform '{name}': no model, seed or snapshot of dbt has that name"
            self._findings.add(self._document.problem(location, what, fix))
        return found

    def _check_path(self, index: int, transform: TransformSpec, node: Node) -> None:
        if transform.path and transform.path != node.path:
            what = f"path: dbt has '{node.name}' at {node.path}"
            self._problem(index, "path", what, f"write {node.path}, or leave it out")

    def _check_compute(self, index: int, transform: TransformSpec) -> None:
        if transform.compute and self._compute and transform.compute != self._compute.type:
            what = f"compute '{transform.compute}' is not the platform's"
            fix = f"write {self._compute.type}, or leave it out; a product runs on one compute"
            self._problem(index, "compute", what, fix)

    def _check_depends_on(self, index: int, transform: TransformSpec, node: Node) -> None:
        ancestors: set[str] | None = None
        for position, name in enumerate(transform.depends_on):
            location = ("transforms", index, "dependsOn", position)
            parent = self._node(name, location)
            if parent is None:
                continue
            ancestors = self._graph.above([node.unique_id]) if ancestors is None else ancestors
            if parent.unique_id not in ancestors:
                parents = ", ".join(self._nodes[i].name for i in node.depends_on) or "nothing"
                what = f"dependsOn contradicts dbt: '{node.name}' does not depend on '{name}'"
                fix = f"remove it, or ref() it in {node.path}; dbt says it depends on {parents}"
                self._findings.add(self._document.problem(location, what, fix))

    def _problem(self, index: int, key: str, what: str, fix: str) -> None:
        self._findings.add(self._document.problem(("transforms", index, key), what, fix))


def names_of_relations(nodes: Sequence[Node], project: str) -> dict[str, Node]:
    """Return name -> relation, as a `ref()` in this dbt project means it.

    A versioned model is also `name.v2`, and `name` is its latest version. A model of the project
    wins over one of a package.
    """
    found: dict[str, Node] = {}
    for node in sorted(nodes, key=lambda node: node.package == project):
        if node.is_relation:
            found[node.label] = node
            if node.version == node.latest_version:
                found[node.name] = node
    return found


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
