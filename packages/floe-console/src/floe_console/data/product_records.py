"""What a product's own stores tell: alerts, lineage, and what reuse saved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from floe_core.alerts.delivery_status import status as alert_status
from floe_core.alerts.target import targets_of
from floe_core.execution.record.saved_time import savings_of_runs
from floe_core.foundation.errors import FloeError
from floe_core.lineage.sending.delivery_status import status as lineage_status
from floe_core.product_folder.state_folder import runs_place, state_place
from floe_core.runs.product_redactor import redactor_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

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


@dataclass(frozen=True, slots=True)
class ProductRecords:
    """The records of one product."""

    alerts: Fact
    lineage: Fact
    reuse: Fact


def why_no_records(product: CompiledArtifacts) -> str:
    """Return why floe's records of a product's runs cannot be read here, "" if they can."""
    if product.project_dir is None:
        return "the product is not published in a folder, so the records of its runs are elsewhere"
    if not runs_place(product.project_dir).is_dir():
        return f"there are no records of runs in {state_place(product.project_dir)}"
    return ""


def read_records(product: CompiledArtifacts) -> ProductRecords:
    """Return what the stores of a product tell; one that cannot be read hides no other."""
    why = why_no_records(product)
    return ProductRecords(
        alerts=_read(product, lambda: _alerts(product), why if _is_local(product) else ""),
        lineage=_read(product, lambda: _lineage(product), why),
        reuse=_read(product, lambda: _reuse(product), why),
    )


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
