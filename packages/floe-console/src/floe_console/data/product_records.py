"""What a product's own stores tell: alerts, lineage, reuse, freshness and partitions."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from floe_console.live_product import orchestrators_of
from floe_core.alerts.alert_store import targets_of
from floe_core.alerts.delivery_status import status as alert_status
from floe_core.execution.record.journal import FILE, RunRecord, read_events
from floe_core.execution.record.past_runs import savings_of_runs
from floe_core.foundation.errors import FloeError
from floe_core.lineage.sending.delivery_status import status as lineage_status
from floe_core.partitions.calendar import due_partitions
from floe_core.partitions.statuses import statuses_of, worst
from floe_core.partitions.store import STORE_VARIABLE, store_of
from floe_core.ports.watch import stale_by_node
from floe_core.runs.product_redactor import redactor_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.state_folder import runs_place, state_place

# Of how many runs the records are looked through for the freshness of sources.
MOST_RUNS = 5
# The partitions that are shown one by one, and those that are counted.
SHOWN, COUNTED = 60, 2000

# Of how many of its last runs a product's savings are counted.
RUNS_COUNTED = 20


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that was read, or why it is unknown."""

    value: dict[str, Any] = field(default_factory=dict)
    unknown: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON: the value's fields, and `unknown`."""
        return {**self.value, "unknown": self.unknown}


_NOT_READ = Fact(unknown="it has not been read yet")


@dataclass(frozen=True, slots=True)
class ProductRecords:
    """The records of one product."""

    alerts: Fact = _NOT_READ
    lineage: Fact = _NOT_READ
    reuse: Fact = _NOT_READ
    freshness: Fact = _NOT_READ
    partitions: Fact = _NOT_READ


class RecordsReader:
    """Reads the records of products; those of runs only if there are new ones."""

    def __init__(self) -> None:
        self._of_runs: dict[str, tuple[object, Fact, Fact]] = {}

    def read(self, product: CompiledArtifacts) -> ProductRecords:
        """Return what the stores of a product tell; one that cannot be read hides no other."""
        why = why_no_records(product)
        reuse, freshness = self._read_runs(product, why)
        is_shared = bool(os.environ.get(STORE_VARIABLE)) and product.project_dir is not None
        return ProductRecords(
            alerts=_read(product, lambda: _alerts(product), why if _is_local(product) else ""),
            lineage=_read(product, lambda: _lineage(product), why),
            reuse=reuse,
            freshness=freshness,
            partitions=_read(
                product,
                lambda: partitions_of(product),
                why if product.partitions and not is_shared else "",
            ),
        )

    def _read_runs(self, product: CompiledArtifacts, why: str) -> tuple[Fact, Fact]:
        if why:
            return Fact(unknown=why), Fact(unknown=why)
        name, journals = product.product.name, newest_journals(product)
        signature = (product.product.version, [*journals.items()])
        known = self._of_runs.get(name)
        if known is None or known[0] != signature:
            reuse = _read(product, lambda: _reuse(product), "")
            fresh = _read(product, lambda: freshness_of(product, [*journals]), "")
            known = self._of_runs[name] = signature, reuse, fresh
        return known[1], known[2]


def why_no_records(product: CompiledArtifacts) -> str:
    """Return why floe's records of a product's runs cannot be read here, "" if they can."""
    if product.project_dir is None:
        return "the product is not published in a folder, so the records of its runs are elsewhere"
    if product.orchestrator.name not in (owners := orchestrators_of(product)):
        return f"{' and '.join(owners)} runs it, so the records of its runs are elsewhere"
    if not runs_place(product.project_dir).is_dir():
        return f"there are no records of runs in {state_place(product.project_dir)}"
    return ""


def _is_local(product: CompiledArtifacts) -> bool:
    """Return whether alerts wait in the product's folder, and not in a store that is shared."""
    from floe_core.alerts.alert_store import store_place

    return bool(targets_of(product)) and not store_place(product)


def _read(product: CompiledArtifacts, read: Callable[[], dict[str, Any]], why: str) -> Fact:
    if why:
        return Fact(unknown=why)
    try:
        return Fact(read())
    except (FloeError, OSError, ValueError) as error:
        return Fact(unknown=redactor_of(product).text(f"{type(error).__name__}: {error}"))


def _alerts(product: CompiledArtifacts) -> dict[str, Any]:
    targets = alert_status(product).targets
    return {
        "targets": len(targets),
        "waiting": sum(each.waiting for each in targets),
        "refused": sum(len(each.refused) for each in targets),
        "last_failure": next((each.last_failure for each in targets if each.last_failure), ""),
    }


def _lineage(product: CompiledArtifacts) -> dict[str, Any]:
    found = lineage_status(product.folder)
    return {
        "waiting": found.waiting,
        "refused": len(found.refused),
        "last_failure": found.last_failure,
    }


def _reuse(product: CompiledArtifacts) -> dict[str, Any]:
    runs = savings_of_runs(product.folder, RUNS_COUNTED)
    return {
        "policy": product.execution.reuse,
        "runs": len(runs),
        "reused": sum(each.reused for each in runs),
        "saved_seconds": round(sum(each.saved_seconds for each in runs), 1),
    }


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
