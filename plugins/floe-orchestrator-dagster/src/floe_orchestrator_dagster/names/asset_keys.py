"""The asset key of each node: the same one that dagster-dbt gives it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dagster import AssetKey

from floe_core.foundation.errors import Problem
from floe_core.schemas.nodes import Node


def key_of(node: Node) -> AssetKey:
    """Return the key of a model, seed, snapshot or source.

    The first of these that applies: `meta.dagster.asset_key`; the name of a source and of its
    table; the alias of a versioned model; the custom schema and the name; only the name. A source
    that stands for a port of another product has the key of the node that builds the port.
    """
    chosen = dagster_meta(node).get("asset_key")
    if chosen:
        return AssetKey([chosen] if isinstance(chosen, str) else list(chosen))
    if node.resource_type == "source" and not node.port:
        return AssetKey([node.source_name, node.name])
    if node.version:
        return AssetKey([node.identifier])
    return AssetKey([node.schema_config, node.name] if node.schema_config else [node.name])


def key_problems(nodes: Iterable[Node]) -> list[Problem]:
    """Return the problems that keep the nodes from each having its own key."""
    nodes = list(nodes)
    sound = [node for node in nodes if _has_sound_choice(node)]
    return [*unsound_keys(nodes), *double_keys({node.unique_id: key_of(node) for node in sound})]


def unsound_keys(nodes: Iterable[Node]) -> list[Problem]:
    """Return the nodes whose `meta.dagster.asset_key` is not a key."""
    return [_unsound(node) for node in nodes if not _has_sound_choice(node)]


def dagster_meta(node: Node) -> Mapping[str, Any]:
    """Return a node's `meta.dagster`, the dbt project's settings for Dagster."""
    found = node.meta.get("dagster")
    return found if isinstance(found, dict) else {}


def _has_sound_choice(node: Node) -> bool:
    chosen = dagster_meta(node).get("asset_key")
    if not chosen or isinstance(chosen, str):
        return True
    return isinstance(chosen, list) and all(isinstance(part, str) and part for part in chosen)


def _unsound(node: Node) -> Problem:
    chosen = dagster_meta(node).get("asset_key")
    return Problem(
        what=f"{node.unique_id}: meta.dagster.asset_key is {chosen!r}",
        fix="write a list of texts, such as [raw, orders]",
        file=node.path,
    )


def double_keys(keys: Mapping[str, AssetKey]) -> Iterator[Problem]:
    """Yield a problem for each key shared by several nodes, given node id -> key."""
    owners: dict[AssetKey, list[str]] = {}
    for node_id, key in keys.items():
        owners.setdefault(key, []).append(node_id)
    for key, node_ids in owners.items():
        if len(node_ids) > 1:
            yield Problem(
                what=f"{' and '.join(sorted(node_ids))} have the same Dagster asset key, "
                f"{key.to_user_string()}",
                fix="give all but one another key with meta: {dagster: {asset_key: [...]}} in dbt",
            )
