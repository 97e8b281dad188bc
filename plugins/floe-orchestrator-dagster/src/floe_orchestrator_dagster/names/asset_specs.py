"""Makes an asset spec for every node that has a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from dagster import (
    AssetDep,
    AssetKey,
    AssetSpec,
    DagsterInvalidDefinitionError,
    TableColumn,
    TableSchema,
)

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_orchestrator_dagster.names.asset_keys import dagster_meta, key_of
from floe_orchestrator_dagster.names.dagster_names import PRODUCT_TAG, plain
from floe_orchestrator_dagster.names.dbt_node import DbtNode
from floe_orchestrator_dagster.names.partitions import definition_of_node

_ASSET = "asked"

NODE_METADATA = "floe/node"

Translate = Callable[[DbtNode, AssetSpec], AssetSpec]


def spec_of(
    node: Node,
    artifacts: CompiledArtifacts,
    upstream_keys: Mapping[str, AssetKey],
    more_metadata: Mapping[str, Any] = MappingProxyType({}),
) -> AssetSpec:
    """Return the spec of a model, seed, snapshot or source.

    `upstream_keys` maps each node that this one reads to its key: node id -> asset key.
    """
    parents = [upstream_keys[id_] for id_ in node.depends_on if id_ in upstream_keys]
    return AssetSpec(
        key=key_of(node),
        deps=[AssetDep(key) for key in parents],
        description=node.description or f"dbt {node.resource_type} {node.name}",
        metadata={**_metadata(node, artifacts.dbt.adapter), **more_metadata},
        skippable=node.is_relation,
        group_name=group_of(node, artifacts.product.name),
        code_version=code_version_of(node, artifacts) or None,
        owners=owners_of(node),
        tags=tags_of(node, artifacts.product.name),
        kinds={"dbt", artifacts.dbt.adapter},
        partitions_def=definition_of_node(artifacts, node.unique_id),
    )


def code_version_of(node: Node, artifacts: CompiledArtifacts) -> str:
    """Return a version that changes with a node's code, "" for a node without code.

    With `execution.reuse` it changes when a run would rebuild the node: it ignores comments, and
    includes the node's macros and configuration.
    """
    if artifacts.execution.reuse == "off" or not node.is_relation:
        return node.checksum
    parts = (node.reuse.text or node.checksum, node.macros_hash, node.reuse.build)
    return sha256("\0".join(parts).encode()).hexdigest()


def spec_of_unplaced(artifacts: CompiledArtifacts, key: AssetKey) -> AssetSpec:
    """Return the spec of the external asset that carries the checks of tests without a parent."""
    return AssetSpec(
        key=key,
        description=f"No table: the tests of {artifacts.product.name} that read none of its nodes.",
        group_name=plain(artifacts.product.name),
        kinds={"dbt"},
    )


def _metadata(node: Node, adapter: str) -> dict[str, Any]:
    relation = ".".join(p for p in (node.database, node.schema_name, node.identifier) if p)
    known = {
        NODE_METADATA: node.unique_id,
        "floe/path": node.path,
        "floe/materialization": node.materialization,
        "floe/tier": node.tier,
        "floe/compute": node.compute,
        "dagster/table_name": relation,
        "dagster/storage_kind": adapter,
        "dagster/column_schema": _column_schema(node),
    }
    return {name: value for name, value in known.items() if value}


def _column_schema(node: Node) -> TableSchema | None:
    """Return the columns the project documents; "?" is Dagster's notation for an unknown type."""
    if not node.columns:
        return None
    return TableSchema(
        columns=[
            TableColumn(name=c.name, type=c.type or "?", description=c.description or None)
            for c in node.columns
        ]
    )


def group_of(node: Node, product: str) -> str:
    """Return a node's group: that in its `meta.dagster`, else its dbt group, else the product."""
    return plain(str(dagster_meta(node).get("group") or node.group or product))


def owners_of(node: Node) -> list[str]:
    """Return the owners that Dagster accepts: e-mail addresses and `team:` names."""
    chosen = dagster_meta(node).get("owners")
    owners: Sequence[Any] = chosen if isinstance(chosen, list) and chosen else node.owners
    return [owner for owner in owners if isinstance(owner, str) and takes_owner(owner)]


def tags_of(node: Node, product: str) -> Mapping[str, str]:
    """Return the tags of a node that Dagster accepts, including its product and tier."""
    tags = {tag: "" for tag in node.tags if takes_tag(tag)}
    tags[PRODUCT_TAG] = product
    if node.tier and takes_tag("floe/tier", node.tier):
        tags["floe/tier"] = node.tier
    return tags


@lru_cache(maxsize=4096)
def takes_owner(owner: str) -> bool:
    """Return whether an asset may have this owner.

    >>> takes_owner("data@example.com"), takes_owner("team:data"), takes_owner("data")
    (True, True, False)
    """
    try:
        AssetSpec(_ASSET, owners=[owner])
    except DagsterInvalidDefinitionError:
        return False
    return True


@lru_cache(maxsize=4096)
def takes_tag(key: str, value: str = "") -> bool:
    """Return whether an asset may have this tag.

    >>> takes_tag("floe/tier", "gold"), takes_tag("a b"), takes_tag("tier", "a b")
    (True, False, False)
    """
    try:
        AssetSpec(_ASSET, tags={key: value})
    except DagsterInvalidDefinitionError:
        return False
    return True
