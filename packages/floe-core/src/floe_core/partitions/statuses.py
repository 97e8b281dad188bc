"""The status of each partition of each node: done, failed, missing or stale."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from floe_core.partitions.records import Brief, Records, briefs_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

PartitionStatus = Literal["done", "failed", "missing", "stale"]
STATUSES: tuple[PartitionStatus, ...] = ("done", "failed", "missing", "stale")


def statuses_of(
    artifacts: CompiledArtifacts,
    records: Records,
    node_ids: Iterable[str],
    keys: Sequence[str],
    stale: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> dict[str, list[PartitionStatus]]:
    """Return node id -> the status of each partition, in the order of `keys`.

    A partition is stale if the node's code has changed since, or if a partitioned node that it
    reads was built for the same partition after its build had begun, or if it is among `stale`,
    node id -> keys, because of the product's ports.
    """
    briefs = {node_id: briefs_of(by_key) for node_id, by_key in records.items()}
    found = {}
    for node_id, code in codes_of(artifacts, node_ids).items():
        above = [briefs[i] for i in artifacts.by_id[node_id].depends_on if i in briefs]
        mine = briefs.get(node_id, {})
        of_node = [_status(mine.get(key), code, key, above) for key in keys]
        if by_ports := stale.get(node_id):
            pairs = zip(keys, of_node, strict=True)
            of_node = ["stale" if s == "done" and key in by_ports else s for key, s in pairs]
        found[node_id] = of_node
    return found


def _status(
    brief: Brief | None, code: str, key: str, above: Sequence[Mapping[str, Brief]]
) -> PartitionStatus:
    if brief is None:
        return "missing"
    is_done, built_from, started, _ = brief
    if not is_done:
        return "failed"
    if built_from != code:
        return "stale"
    for briefs in above:
        other = briefs.get(key)
        if other is not None and other[0] and other[3] > started:
            return "stale"
    return "done"


def worst(found: Iterable[PartitionStatus]) -> PartitionStatus:
    """Return what to say of a partition of which several nodes are built.

    >>> worst(["done", "stale", "missing"])
    'missing'
    """
    order: tuple[PartitionStatus, ...] = ("failed", "missing", "stale", "done")
    present = set(found)
    return next((each for each in order if each in present), "missing")


def codes_of(artifacts: CompiledArtifacts, node_ids: Iterable[str]) -> dict[str, str]:
    """Return node id -> a hash of its code, and of that of the views that it reads.

    A view has no rows of its own: what it shows changes with its code, like an ephemeral model.
    """
    return {node_id: _code_of(artifacts, node_id) for node_id in node_ids}


def _code_of(artifacts: CompiledArtifacts, node_id: str) -> str:
    found, frontier = {node_id}, [node_id]
    while frontier:
        above = artifacts.by_id[frontier.pop()].depends_on
        views = {i for i in above if artifacts.by_id[i].materialization == "view"} - found
        found |= views
        frontier += views
    nodes = [artifacts.by_id[each] for each in sorted(found)]
    text = " ".join(
        f"{node.checksum} {node.macros_hash} {node.reuse.build or node.config_hash}"
        for node in nodes
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]
