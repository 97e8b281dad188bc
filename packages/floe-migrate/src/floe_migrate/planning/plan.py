"""All that a move would lose or change, and what is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from floe_core.foundation.stages import begin_stage
from floe_migrate.moving.records import Records
from floe_migrate.planning.both_sides import concepts, parity, ticks
from floe_migrate.planning.finding import Finding
from floe_migrate.planning.running_sides import listeners, services, source_runs, target_service
from floe_migrate.planning.stores import stores
from floe_migrate.planning.unmanaged import before_handing_back, before_taking_over
from floe_migrate.sides.chosen_sides import Sides
from floe_migrate.sides.side import is_unmanaged


def plan_move(
    sides: Sides, product: Path, names: tuple[str, str], jobs: Sequence[str], *, with_parity: bool
) -> list[Finding]:
    """Return the findings of a move of some jobs between two orchestrators, source first."""
    if any(is_unmanaged(name) for name in names):
        return _plan_unmanaged(sides, product, names, jobs[0])
    source, target = (sides.side(name) for name in names)
    begin_stage(f"reading what {target.name} can express")
    found = [*concepts(product, target)]
    begin_stage(f"comparing the ticks of {source.name} and {target.name}")
    found += ticks(Records(sides.artifacts), source, target, jobs)
    begin_stage(f"asking {source.name} and {target.name}")
    found += [
        *stores(sides, source, target),
        *source_runs(source, jobs),
        *target_service(target, jobs),
        *services(target),
        *listeners(source, target.name),
        Finding("history", "note", f"runs that {source.name} has recorded stay there"),
    ]
    return [*found, *(parity(product, source, target) if with_parity else ())]


def _plan_unmanaged(sides: Sides, product: Path, names: tuple[str, str], job: str) -> list[Finding]:
    """Return the findings of a move from or to a schedule that floe does not manage."""
    records = Records(sides.artifacts)
    if is_unmanaged(names[1]):
        old, owner = sides.unmanaged(names[1]), records.owners().get(job)
        return list(before_handing_back(old, records.job(job), owner)) if owner else []
    old, target = sides.unmanaged(names[0]), sides.side(names[1])
    return [
        *concepts(product, target),
        *before_taking_over(old, records.job(job)),
        *target_service(target, [job]),
        *services(target),
        Finding(
            "history", "note", f"runs of {old.name} stay there; compare `floe parity --on dbt`"
        ),
    ]
