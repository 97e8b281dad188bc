"""Remove the records of owners, once one orchestrator alone has the product."""

from __future__ import annotations

from collections.abc import Callable

from floe_core.foundation.errors import EnvironmentProblemError, UsageError
from floe_migrate.moving.records import Owners, Records
from floe_migrate.sides.chosen_sides import Sides
from floe_migrate.sides.side import is_unmanaged


def forget_owners(
    sides: Sides, records: Records, tell: Callable[[str], None], *, force: bool
) -> None:
    """Remove all owners of a product.

    Raises:
        UsageError: A move is under way, several orchestrators own jobs, or, unless `force`, another
            one still has the product.
    """
    owners = records.owners()
    if not owners:
        tell(f"{records.artifacts.product.name} has no owner in {records.place}")
        return
    keeper = _sole_owner(owners)
    if is_unmanaged(keeper) and not force:
        raise UsageError(
            f"{keeper} owns it, which floe does not manage: without a record, each orchestrator of "
            "floe that has the product starts it as well; take it away there first, or give --force"
        )
    if not force:
        _check_others(sides, records, owners, keeper, tell)

    changed = [name for name, owner in owners.items() if not records.replace(name, owner, None)]
    if changed:
        raise UsageError(f"the owner of {', '.join(changed)} has changed meanwhile; look again")
    tell(f"{records.artifacts.product.name} belongs to whoever has it; only {keeper} may")
    for name in () if is_unmanaged(keeper) else owners:
        try:
            sides.side(keeper).apply(name)
        except EnvironmentProblemError as error:
            tell(f"warning: {error}")


def _sole_owner(owners: Owners) -> str:
    moving = [name for name, owner in owners.items() if owner.next]
    if moving:
        raise UsageError(
            f"a move of {', '.join(moving)} is under way; finish it with `floe migrate apply`, or "
            "end it with `floe migrate rollback`"
        )
    names = sorted({owner.orchestrator for owner in owners.values()})
    if len(names) > 1:
        raise UsageError(f"{' and '.join(names)} own jobs of it; move them to one of these first")
    return names[0]


def _check_others(
    sides: Sides, records: Records, owners: Owners, keeper: str, tell: Callable[[str], None]
) -> None:
    claims = (claim for name in owners for claim in records.claims(name).values())
    for other in sorted({*sides.settings, *(claim.orchestrator for claim in claims)} - {keeper}):
        if is_unmanaged(other):
            if sides.unmanaged(other).schedule.state().is_enabled:
                raise UsageError(f"{other} is not paused; pause it first, or give --force")
            continue
        if other not in sides.settings:
            tell(f"warning: whether {other} still has it is unknown; name its manifest: --access")
            continue
        if any(sides.side(other).shown(name) is not None for name in owners):
            raise UsageError(
                f"{other} still has the product, and without records its ticks start runs as well; "
                "take it away there first, or give --force"
            )
