"""Which move it is: between orchestrators of floe, or from or to a schedule of others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import timedelta

from floe_core.foundation.errors import UsageError
from floe_migrate.moving.handing_back import HandBack
from floe_migrate.moving.mover import Mover
from floe_migrate.moving.records import Records
from floe_migrate.moving.taking_over import TakeOver
from floe_migrate.planning.finding import Finding
from floe_migrate.planning.stores import memory
from floe_migrate.planning.unmanaged import before_handing_back, before_taking_over
from floe_migrate.sides.chosen_sides import Sides
from floe_migrate.sides.side import is_unmanaged


def mover_between(
    sides: Sides,
    records: Records,
    pair: tuple[str, str],
    jobs: tuple[str, ...],
    margin: timedelta,
    tell: Callable[[str], None],
    accepted: Collection[str],
) -> Mover:
    """Return the move of jobs from the first side of a pair to the second.

    Tells what the source remembers and the target will not, unless that is accepted by its code.

    Raises:
        UsageError: They share no store, or a schedule of others may leave out ticks, or run them
            twice, which is not accepted by its code.
    """
    source, target = pair
    if is_unmanaged(source):
        sides.require_store_of(target)
        old, side = sides.unmanaged(source), sides.side(target)
        _require_accepted(before_taking_over(old, records.job(jobs[0])), accepted)
        return TakeOver(records, old, side, jobs, margin, tell, old=old)
    if is_unmanaged(target):
        sides.require_store_of(source)
        old, side = sides.unmanaged(target), sides.side(source)
        if owner := records.owners().get(jobs[0]):
            _require_accepted(before_handing_back(old, records.job(jobs[0]), owner), accepted)
        return HandBack(records, side, old, jobs, margin, tell, old=old)
    sides.require_shared_store(*pair)
    here, there = sides.side(source), sides.side(target)
    for each in memory(here, there):
        if each.blocks(accepted):
            tell(f"warning: {each.code}: {each.what} (fix: {each.fix})")
    return Mover(records, here, there, jobs, margin, tell)


def _require_accepted(found: Iterable[Finding], accepted: Collection[str]) -> None:
    blocking = [each for each in found if each.blocks(accepted) and each.code != "source"]
    if blocking:
        codes = " ".join(f"--accept {each.code}" for each in blocking)
        lines = [f"{each.what}{f' (fix: {each.fix})' if each.fix else ''}" for each in blocking]
        raise UsageError("\n".join([*lines, f"fix these, or accept them: {codes}"]))
