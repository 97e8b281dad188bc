"""Which asset key a node has: the one that users of dagster-dbt know it by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dagster import AssetKey
from floe_core.errors import InvalidProductError, Problem
from floe_core.schemas.nodes import Node


def key_of(node: Node) -> AssetKey:
    """Return the key of a model, seed, snapshot or source.

    In this order: `meta.dagster.asset_key`; a source's name and its table's; the alias of a
    versioned model; the custom schema and the name; the name alone.
    """
    chosen = dagster_meta(node).get("asset_key")
    if chosen:
        return AssetKey([chosen] if isinstance(chosen, str) else list(chosen))
    if node.resource_type == "source":
        return AssetKey([node.source_name, node.name])
    if node.version:
        return AssetKey([node.identifier])
    return AssetKey([node.schema_config, node.name] if node.schema_config else [node.name])


def keys_of(nodes: Iterable[Node]) -> dict[str, AssetKey]:
    """Return node id -> asset key.

    Raises:
        InvalidProductError: A key that is none, or one key for two nodes, with all such nodes.
    """
    nodes = list(nodes)
    problems = [Problem(_not_a_key(node), file=node.path) for node in nodes if not _is_sound(node)]
    if problems:
        raise InvalidProductError(problems)
    keys = {node.unique_id: key_of(node) for node in nodes}
    _refuse_doubles(keys)
    return keys


def dagster_meta(node: Node) -> Mapping[str, Any]:
    """Return what the dbt project says to Dagster about a node, in `meta.dagster`."""
    found = node.meta.get("dagster")
    return found if isinstance(found, dict) else {}


def _is_sound(node: Node) -> bool:
    chosen = dagster_meta(node).get("asset_key")
    if not chosen or isinstance(chosen, str):
        return True
    return isinstance(chosen, list) and all(isinstance(part, str) and part for part in chosen)


def _not_a_key(node: Node) -> str:
    chosen = dagster_meta(node).get("asset_key")
    return f"{node.unique_id}: meta.dagster.asset_key is {chosen!r}, not a list of texts"


def _refuse_doubles(keys: Mapping[str, AssetKey]) -> None:
    owners: dict[AssetKey, list[str]] = {}
    for node_id, key in keys.items():
        owners.setdefault(key, []).append(node_id)
    doubles = {key: ids for key, ids in owners.items() if len(ids) > 1}
    if doubles:
        raise InvalidProductError(
            Problem(
                what=f"{' and '.join(sorted(ids))} have one Dagster asset key, "
                f"{key.to_user_string()}",
                fix="give all but one another key with meta: {dagster: {asset_key: [...]}} in dbt",
            )
            for key, ids in sorted(doubles.items(), key=lambda pair: pair[0].path)
        )
