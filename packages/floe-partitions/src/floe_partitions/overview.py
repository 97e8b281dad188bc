"""Read the states of a product's partitions from its store, and how each stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from floe_core.foundation.errors import UsageError
from floe_core.partitions.calendar import Partition, due_partitions, partition_of_key
from floe_core.partitions.statuses import STATUSES, PartitionStatus, Record, statuses_of
from floe_core.partitions.store import name_of, store_of
from floe_core.ports.watch import stale_by_node
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.schemas.partitions import Partitions


@dataclass(frozen=True)
class Overview:
    """How each partition of each node stands, nodes in the order of the graph.

    `records` is node id -> key -> the last build. `beyond` is how many records are of partitions
    before the first one, and `others` names the declarations whose states do not count now.
    """

    product: str
    environment: str
    declaration: Partitions
    partitions: tuple[Partition, ...]
    nodes: tuple[Node, ...]
    statuses: Mapping[str, list[PartitionStatus]]
    records: Mapping[str, Mapping[str, Record]]
    beyond: int
    others: tuple[str, ...]
    place: str

    def counts(self, node_id: str) -> dict[PartitionStatus, int]:
        """Return status -> number of partitions of a node, for all statuses."""
        found = Counter(self.statuses[node_id])
        return {each: found[each] for each in STATUSES}


def read_overview(
    artifacts: CompiledArtifacts,
    select: str = "",
    first: str = "",
    last: str = "",
    now: datetime | None = None,
) -> Overview:
    """Return the states of all partitions that are over, or of those from `first` to `last`.

    Raises:
        UsageError: The product has no partitions, or a key or the selection is wrong.
        EnvironmentProblemError: The store cannot be read.
    """
    declaration = artifacts.partitions
    if declaration is None:
        raise UsageError(
            f"{artifacts.product.name} has no partitions: declare `partitions` in floe.yaml"
        )
    partitions = _between(declaration, first, last, now or datetime.now(UTC))
    nodes = _nodes(artifacts, declaration, select)
    store = store_of(artifacts)
    records = store.read(declaration)
    ids = [node.unique_id for node in nodes]
    start = partition_of_key(declaration, _first_key(declaration)).key
    return Overview(
        artifacts.product.name,
        artifacts.environment,
        declaration,
        partitions,
        nodes,
        statuses_of(
            artifacts, records, ids, [each.key for each in partitions], stale_by_node(artifacts)
        ),
        records,
        sum(key < start for by_key in records.values() for key in by_key),
        tuple(name for name in store.declarations() if name != name_of(declaration)),
        store.place,
    )


def _between(
    declaration: Partitions, first: str, last: str, now: datetime
) -> tuple[Partition, ...]:
    found = due_partitions(declaration, now)
    start = _partition(declaration, first, "--from").start if first else None
    end = _partition(declaration, last, "--to").end if last else None
    if start and end and end <= start:
        raise UsageError(f"--from {first} is after --to {last}")
    return tuple(
        each
        for each in found
        if (start is None or each.start >= start) and (end is None or each.end <= end)
    )


def _partition(declaration: Partitions, key: str, option: str) -> Partition:
    try:
        return partition_of_key(declaration, key)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


def _first_key(declaration: Partitions) -> str:
    from floe_core.partitions.calendar import first_partition

    return first_partition(declaration).key


def _nodes(artifacts: CompiledArtifacts, declaration: Partitions, select: str) -> tuple[Node, ...]:
    from floe_core.execution.node_selection import chosen_nodes

    ids = set(chosen_nodes(artifacts, RunParameters(select=select), declaration.node_ids))
    found = [artifacts.by_id[i] for i in artifacts.graph.in_order() if i in ids]
    return tuple(sorted(found, key=lambda node: node.is_test))
