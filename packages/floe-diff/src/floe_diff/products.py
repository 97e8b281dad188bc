"""Compare two compilations of a product."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.resources import ResourceSpec
from floe_diff.fields import FieldChange, changed_fields
from floe_diff.jobs import JobDifference, changed_jobs
from floe_diff.nodes import NodeDifference, changed_nodes, downstream
from floe_diff.ports import PortChange, changed_ports


@dataclass(frozen=True, slots=True)
class ProductDifference:
    """What changed. Ids are dbt's; `downstream` is what runs below anything that changed.

    `ports` are changes of what others may read. `settings` maps what of the product to its changed
    fields: `product`, `orchestrator`, `dbt`, `execution`, `resources`, `lineage`, `tracing`.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[NodeDifference, ...]
    downstream: tuple[str, ...]
    jobs: tuple[JobDifference, ...]
    settings: dict[str, tuple[FieldChange, ...]]
    span: tuple[datetime, datetime]
    ports: tuple[PortChange, ...] = ()

    @property
    def broken(self) -> tuple[str, ...]:
        """The products that read something that no longer exists, sorted."""
        return tuple(sorted({product for change in self.ports for product in change.breaks}))

    def __bool__(self) -> bool:
        graph = self.added or self.removed or self.changed
        return bool(graph or self.jobs or self.settings or self.ports)


def difference(
    old: CompiledArtifacts,
    new: CompiledArtifacts,
    start: datetime,
    end: datetime,
    consumers: Iterable[CompiledArtifacts] = (),
) -> ProductDifference:
    """Return what changed; ticks are compared from `start` up to, not including, `end`.

    `consumers` are products that may read this one's ports.
    """
    added = tuple(sorted(new.by_id.keys() - old.by_id.keys()))
    removed = tuple(sorted(old.by_id.keys() - new.by_id.keys()))
    changed = changed_nodes(old, new)
    touched = [*added, *(node.unique_id for node in changed)]
    listed = {*touched, *removed}
    below = {*downstream(new, touched), *downstream(old, removed)}
    return ProductDifference(
        added=added,
        removed=removed,
        changed=changed,
        downstream=tuple(sorted((below & new.by_id.keys()) - listed)),
        jobs=changed_jobs(old, new, (start, end)),
        settings=_settings(old, new),
        span=(start, end),
        ports=changed_ports(old, new, consumers),
    )


def _settings(old: CompiledArtifacts, new: CompiledArtifacts) -> dict[str, tuple[FieldChange, ...]]:
    parts = {
        name: changed_fields(getattr(old, name), getattr(new, name))
        for name in ("product", "orchestrator", "dbt", "execution", "lineage", "tracing")
    }
    parts["resources"] = _resources(old, new)
    return {name: changes for name, changes in parts.items() if changes}


def _resources(old: CompiledArtifacts, new: CompiledArtifacts) -> tuple[FieldChange, ...]:
    before = {size: _format_resources(spec) for size, spec in old.resources.items()}
    after = {size: _format_resources(spec) for size, spec in new.resources.items()}
    return tuple(
        FieldChange(size, before.get(size), after.get(size))
        for size in sorted({*before, *after})
        if before.get(size) != after.get(size)
    )


def _format_resources(spec: ResourceSpec) -> str:
    cpu = f"{spec.cpu_request} to {spec.cpu_limit} CPU"
    return f"{cpu}, {spec.memory_request} to {spec.memory_limit} memory"
