"""What Dagster knows of each asset: one spec for every node with a table, and for every source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dagster import AssetDep, AssetSpec, TableColumn, TableSchema
from dagster._core.definitions.utils import is_valid_owner
from dagster._utils.tags import is_valid_strict_tag_value, is_valid_tag_key

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_orchestrator_dagster.asset_keys import dagster_meta
from floe_orchestrator_dagster.asset_map import AssetMap
from floe_orchestrator_dagster.dagster_names import PRODUCT_TAG, plain

NODE_METADATA = "floe/node"


def built_specs(artifacts: CompiledArtifacts, asset_map: AssetMap) -> list[AssetSpec]:
    """Return the specs of the assets that dbt builds, in the order of their node ids."""
    return [_spec(node, artifacts, asset_map) for node in artifacts.nodes if node.is_relation]


def external_specs(artifacts: CompiledArtifacts, asset_map: AssetMap) -> list[AssetSpec]:
    """Return the specs of what others fill: the sources, and the place of tests without parents."""
    sources = [
        _spec(node, artifacts, asset_map)
        for node in artifacts.nodes
        if node.resource_type == "source"
    ]
    if any(key.asset_key == asset_map.unplaced_key for key in asset_map.check_keys.values()):
        sources.append(_spec_of_unplaced(artifacts, asset_map))
    return sources


def _spec(node: Node, artifacts: CompiledArtifacts, asset_map: AssetMap) -> AssetSpec:
    parents = [asset_map.keys[id_] for id_ in node.depends_on if id_ in asset_map.keys]
    return AssetSpec(
        key=asset_map.keys[node.unique_id],
        deps=[AssetDep(key) for key in parents],
        description=node.description or f"dbt {node.resource_type} {node.name}",
        metadata=_metadata(node, artifacts.dbt.adapter),
        skippable=node.is_relation,
        group_name=_group(node),
        code_version=node.checksum or None,
        owners=_owners(node),
        tags=_tags(node, artifacts.product.name),
        kinds={"dbt", artifacts.dbt.adapter},
    )


def _spec_of_unplaced(artifacts: CompiledArtifacts, asset_map: AssetMap) -> AssetSpec:
    return AssetSpec(
        key=asset_map.unplaced_key,
        description=f"No table: the tests of {artifacts.product.name} that read none of its nodes.",
        group_name="default",
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
    """Return the columns the project documents; "?" is Dagster's word for an unknown type."""
    if not node.columns:
        return None
    return TableSchema(
        columns=[
            TableColumn(name=c.name, type=c.type or "?", description=c.description or None)
            for c in node.columns
        ]
    )


def _group(node: Node) -> str:
    return plain(str(dagster_meta(node).get("group") or node.group or "default"))


def _owners(node: Node) -> list[str]:
    """Return the owners that Dagster takes: e-mail addresses and `team:` names."""
    chosen = dagster_meta(node).get("owners")
    owners: Sequence[Any] = chosen if isinstance(chosen, list) and chosen else node.owners
    return [owner for owner in owners if isinstance(owner, str) and is_valid_owner(owner)]


def _tags(node: Node, product: str) -> Mapping[str, str]:
    tags = {tag: "" for tag in node.tags if is_valid_tag_key(tag)}
    tags[PRODUCT_TAG] = product
    if node.tier and is_valid_strict_tag_value(node.tier):
        tags["floe/tier"] = node.tier
    return tags
