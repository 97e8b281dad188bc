"""Read dbt's parse of a product once for all dbt calls of one build."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from floe_core.dbt.invocation import Invocation
from floe_core.dbt.preloaded_manifest import Preloaded, read_parse
from floe_core.foundation.garbage_collection import collector_at_rest

if TYPE_CHECKING:
    from floe_core.dbt.internals import Manifest


# Kinds of nodes that dbt links into its graph but that no compiled SQL depends on.
_UNREAD = ("exposures", "metrics", "semantic_models", "saved_queries", "unit_tests", "functions")


class KeptParse:
    """Reads the parse for a dbt call, and keeps it for the next one.

    A build changes the manifest passed to it, so that one is not kept.
    """

    def __init__(self) -> None:
        self._file = ""
        self._kept = Preloaded()

    def take(self, call: Invocation, dbt_version: str) -> Preloaded:
        """Return the manifest to pass to dbt for a call, or why dbt must parse."""
        if not call.parsed_file:
            return Preloaded()
        with collector_at_rest():
            found = self._take_or_read(call, dbt_version)
            manifest = found.manifest
            if manifest is None:
                return found
            if not call.compiles:
                manifest.build_flat_graph()
                return found
            self._file, self._kept = call.parsed_file, found
            if call.compiles == "steady" and _reads_nodes_alone(manifest, call.node_ids):
                return Preloaded(with_parents_alone(manifest, call.node_ids))
            return Preloaded(with_copies(manifest, call.node_ids))

    def _take_or_read(self, call: Invocation, dbt_version: str) -> Preloaded:
        kept, self._kept = self._kept, Preloaded()
        if kept.manifest is not None and self._file == call.parsed_file:
            return kept
        return read_parse(call.call.folder, dbt_version, call.parsed_file)


def with_parents_alone(manifest: Manifest, node_ids: Iterable[str]) -> Manifest:
    """Return a manifest of these nodes and their parents, without anything further upstream.

    Enough to compile nodes whose Jinja reads only refs, sources and macros.
    """
    nodes = {node_id: copy.deepcopy(manifest.nodes[node_id]) for node_id in node_ids}
    read = {parent for node in nodes.values() for parent in node.depends_on_nodes}
    for parent in sorted(read - nodes.keys()):
        if parent in manifest.nodes:
            nodes[parent] = _without_parents(manifest.nodes[parent])
    unread: dict[str, Any] = {name: {} for name in _UNREAD if hasattr(manifest, name)}
    return replace(manifest, nodes=nodes, metadata=copy.copy(manifest.metadata), **unread)


def with_copies(manifest: Manifest, node_ids: Iterable[str]) -> Manifest:
    """Return the whole manifest with copies of these nodes, for dbt to compile."""
    nodes = dict(manifest.nodes)
    copied: set[str] = set()
    todo = list(node_ids)
    while todo:
        node_id = todo.pop()
        if node_id in copied or node_id not in nodes:
            continue
        copied.add(node_id)
        nodes[node_id] = copy.deepcopy(nodes[node_id])
        # dbt compiles ephemeral models together with their readers.
        todo += (i for i in nodes[node_id].depends_on_nodes if _is_ephemeral(nodes.get(i)))
    given = replace(manifest, nodes=nodes, metadata=copy.copy(manifest.metadata))
    given.build_flat_graph()
    return given


def _reads_nodes_alone(manifest: Manifest, node_ids: Iterable[str]) -> bool:
    """Return whether these nodes read only sources and nodes that dbt builds."""
    known = manifest.nodes.keys() | manifest.sources.keys()
    return all(
        node_id in manifest.nodes and known >= {*manifest.nodes[node_id].depends_on_nodes}
        for node_id in node_ids
    )


def _is_ephemeral(node: Any) -> bool:
    return node is not None and bool(node.is_ephemeral_model)


def _without_parents(node: Any) -> Any:
    alone = copy.copy(node)
    if hasattr(alone.depends_on, "nodes"):
        alone.depends_on = replace(alone.depends_on, nodes=[])
    return alone
