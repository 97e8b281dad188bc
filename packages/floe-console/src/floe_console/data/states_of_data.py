"""How fresh the sources of a product are, and which of its partitions are built."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from floe_core.execution.record.journal import FILE, RunRecord, read_events
from floe_core.partitions.calendar import due_partitions
from floe_core.partitions.statuses import statuses_of, worst
from floe_core.partitions.store import store_of
from floe_core.ports.watch import stale_by_node
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.state_folder import runs_place

# Of how many runs the records are looked through for the freshness of sources.
MOST_RUNS = 5
# The partitions that are shown one by one, and those that are counted.
SHOWN, COUNTED = 60, 2000


def newest_journals(product: CompiledArtifacts) -> dict[Path, int]:
    """Return the journals of the last runs, the newest first, with when each was written."""
    found = {path: path.stat().st_mtime_ns for path in runs_place(product.folder).glob(f"*/{FILE}")}
    newest = sorted(found, key=lambda path: found[path], reverse=True)[:MOST_RUNS]
    return {path: found[path] for path in newest}


def freshness_of(product: CompiledArtifacts, journals: Sequence[Path]) -> dict[str, Any]:
    """Return the sources whose freshness the last runs measured, the last result of each."""
    measured = [node for node in product.nodes if node.is_freshness]
    found: dict[str, dict[str, Any]] = {}
    for path in journals if measured else ():
        events = read_events(product.folder, unquote(path.parent.name))
        results = RunRecord.of(events).results
        for node in measured:
            result = results.get(node.unique_id)
            if result is not None and node.unique_id not in found:
                found[node.unique_id] = {
                    "source": node.label,
                    "state": result.status,
                    "message": result.message[:300],
                    "at": result.ended_at.isoformat() if result.ended_at else None,
                }
    return {"policy": product.execution.freshness, "sources": list(found.values())}


def partitions_of(product: CompiledArtifacts) -> dict[str, Any]:
    """Return how the partitions of a product stand, each as badly as its worst node."""
    declaration = product.partitions
    if declaration is None:
        return {"by": "", "counts": {}, "last": []}
    keys = [each.key for each in due_partitions(declaration, datetime.now(UTC))][-COUNTED:]
    ids = [i for i in declaration.node_ids if not product.by_id[i].is_test]
    found = statuses_of(
        product, store_of(product).read(declaration), ids, keys, stale_by_node(product)
    )
    states = [worst(each) for each in zip(*found.values(), strict=True)]
    last = [*zip(keys, states, strict=True)][-SHOWN:] if states else []
    return {
        "by": declaration.by,
        "counts": dict(Counter(states)),
        "last": [{"key": key, "state": state} for key, state in last],
    }
