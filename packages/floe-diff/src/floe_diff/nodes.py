"""Find changes in a product's graph, node by node."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_diff.fields import FieldChange, changed_fields

# Fields that decide what a node does and where; `checksum` is shown as "code", `depends_on` as
# edges.
_FIELDS = (
    "materialization",
    "database",
    "schema_name",
    "identifier",
    "language",
    "severity",
    "error_if",
    "warn_if",
    "compute",
    "tier",
    "tags",
    "group",
    "retries",
    "timeout_seconds",
    "pool",
)


@dataclass(frozen=True, slots=True)
class NodeDifference:
    """A node that both have, changed. `gained` and `lost` are ids of what it depends on.

    `has_new_code` means that its own SQL, seed or definition is another, `has_new_macros` that a
    macro it uses is, `has_new_config` that its configuration, hooks or arguments are.
    """

    unique_id: str
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    has_new_code: bool = False
    has_new_macros: bool = False
    has_new_config: bool = False
    fields: tuple[FieldChange, ...] = ()

    def __bool__(self) -> bool:
        is_rebuilt = self.has_new_code or self.has_new_macros or self.has_new_config
        return bool(self.gained or self.lost or is_rebuilt or self.fields)


def changed_nodes(old: CompiledArtifacts, new: CompiledArtifacts) -> tuple[NodeDifference, ...]:
    """Return the nodes that differ, in the order of their ids."""
    pairs = ((old.by_id[i], node) for i, node in sorted(new.by_id.items()) if i in old.by_id)
    # Other versions of dbt have other defaults in every node's configuration.
    is_same_dbt = old.dbt.version == new.dbt.version
    found = (_difference(before, node, is_same_dbt) for before, node in pairs)
    return tuple(each for each in found if each)


def _difference(old: Node, new: Node, is_same_dbt: bool) -> NodeDifference:
    before, after = set(old.depends_on), set(new.depends_on)
    # Every node compiled since these hashes exist has one of its configuration.
    is_hashed = is_same_dbt and bool(old.config_hash and new.config_hash)
    return NodeDifference(
        new.unique_id,
        gained=tuple(sorted(after - before)),
        lost=tuple(sorted(before - after)),
        has_new_code=old.checksum != new.checksum,
        has_new_macros=is_hashed and old.macros_hash != new.macros_hash,
        has_new_config=is_hashed and old.config_hash != new.config_hash,
        fields=changed_fields(old, new, _FIELDS),
    )


def downstream(artifacts: CompiledArtifacts, node_ids: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of all nodes that run downstream of these, sorted, without themselves."""
    origins = set(node_ids)
    found = artifacts.graph.below(origins)
    return tuple(sorted(i for i in found - origins if artifacts.by_id[i].is_runnable))
