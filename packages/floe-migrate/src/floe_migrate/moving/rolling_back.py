"""Call off a move that is under way, and move back the jobs that have moved."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from floe_core.foundation.errors import EnvironmentProblemError, UsageError
from floe_core.schedules.ownership import call_off_move
from floe_core.schemas.policies import Owner
from floe_migrate.moving.handing_back import keep
from floe_migrate.moving.mover import Mover, Waiting
from floe_migrate.moving.records import Owners, Records
from floe_migrate.sides.chosen_sides import Sides
from floe_migrate.sides.side import is_unmanaged

POLL_SECONDS = 2.0

Tell = Callable[[str], None]
# Returns the move of some jobs between two orchestrators.
Moves = Callable[[tuple[str, str], tuple[str, ...]], Mover]


def roll_back(
    sides: Sides,
    records: Records,
    jobs: Sequence[str],
    to: str,
    moves: Moves,
    tell: Tell,
    *,
    seconds: float,
    force: bool,
    accepts_gap: bool = False,
) -> None:
    """Give jobs back to the orchestrator that had them, `to` or the one of the records.

    Raises:
        UsageError: Nothing has moved, or nobody can tell from where.
        EnvironmentProblemError: An orchestrator does not respond, or is not done in time.
    """
    owners = {name: each for name, each in records.owners().items() if name in jobs}
    home = to or _home(sides, records, owners)
    under_way = [name for name, owner in owners.items() if owner.next]
    strangers = {owners[name].orchestrator for name in under_way} - {home}
    if strangers:
        raise UsageError(f"the move under way is from {strangers.pop()}; leave out --to {home}")
    moved = tuple(name for name, owner in owners.items() if owner.orchestrator != home)
    if not (under_way or moved):
        what = f"{records.artifacts.product.name} belongs to {home}, and is not moving"
        raise UsageError(f"{what}: there is nothing to roll back")
    for name in under_way:
        _check_not_resumed(sides, owners[name], tell, force=force)
    if under_way and is_unmanaged(home):
        old = sides.unmanaged(home)
        for name in under_way:
            keep(records, old, name, accepts_gap=accepts_gap)
        call_off(records, under_way, datetime.now(UTC), tell)
    elif under_way:
        _call_off(sides, records, under_way, home, tell, force=force)
    for owner in sorted({owners[name].orchestrator for name in moved}):
        of_owner = tuple(name for name in moved if owners[name].orchestrator == owner)
        apply_move(moves((owner, home), of_owner), seconds, force=force)


def _check_not_resumed(sides: Sides, owner: Owner, tell: Tell, *, force: bool) -> None:
    """Check that a move to an unmanaged schedule has not resumed it, which starts ticks then."""
    old = owner.next
    if not is_unmanaged(old):
        return
    try:
        is_enabled = sides.unmanaged(old).schedule.state().is_enabled
    except EnvironmentProblemError as error:
        if not force:
            raise
        then = f"if the move has resumed {old}, it starts ticks as well: pause it then"
        tell(f"warning: {error}; once it responds, {then}")
        return
    if is_enabled:
        raise UsageError(
            f"{old} is resumed already; finish the move with `floe migrate apply --to {old}`, and "
            "move the job again then"
        )


def _call_off(
    sides: Sides, records: Records, jobs: list[str], home: str, tell: Tell, *, force: bool
) -> None:
    side = sides.side(home)
    gone = [name for name in jobs if side.shown(name) is None]
    if gone and not force:
        raise EnvironmentProblemError(
            f"{home} does not respond, or does not have {', '.join(gone)}: start it, or finish the "
            "move with `floe migrate apply --force`; `floe migrate rollback --force` gives it the "
            "jobs back, and nothing starts them until it responds"
        )
    for name in call_off(records, jobs, datetime.now(UTC), tell):
        try:
            side.apply(name)
        except EnvironmentProblemError as error:
            tell(f"warning: {error}")


def _home(sides: Sides, records: Records, owners: Owners) -> str:
    """Return the orchestrator that has had the jobs before.

    Raises:
        UsageError: The jobs have no record, or neither records nor folder tell.
    """
    if not owners:
        what = f"{records.artifacts.product.name} has no owner in {records.place}"
        raise UsageError(f"{what}: it never moved")
    moving = [owner.orchestrator for owner in owners.values() if owner.next]
    earlier = [
        claim.orchestrator
        for name, owner in owners.items()
        for _, claim in sorted(records.claims(name).items(), reverse=True)
        if claim.epoch < owner.epoch and claim.orchestrator != owner.orchestrator
    ]
    compiled = sides.artifacts.orchestrator.name
    is_elsewhere = any(owner.orchestrator != compiled for owner in owners.values())
    found = [*moving, *earlier, *([compiled] if is_elsewhere else [])]
    if not found:
        owner = next(iter(owners.values())).orchestrator
        raise UsageError(f"it belongs to {owner}; name where it was before with --to")
    return found[0]


def apply_move(mover: Mover, seconds: float, *, force: bool = False) -> None:
    """Do all steps that are left; wait for the source up to `seconds`. See `Mover.hand_over`.

    Raises:
        EnvironmentProblemError: The source or the target does not have the jobs, or the source is
            not done in time. The move stays where it is.
        UsageError: Another move is under way, or this one was called off meanwhile.
    """
    mover.begin()
    if not force:
        mover.check_source()
    mover.check_target()
    mover.announce()
    _repeat(lambda: mover.hand_over(force=force), mover, seconds)
    mover.require_moved()
    mover.follow()


def call_off(
    records: Records, jobs: Sequence[str], now: datetime, tell: Callable[[str], None]
) -> list[str]:
    """End the moves that are under way: the owners keep their jobs. Return these jobs.

    Ticks that came meanwhile are the owner's again, which runs them late.
    """
    called_off: list[str] = []
    owners = records.owners()
    for name in jobs:
        owner = owners.get(name)
        if owner and owner.next and records.replace(name, owner, call_off_move(owner, now)):
            called_off.append(name)
            tell(f"{name}: {owner.orchestrator} keeps it, and runs what came meanwhile late")
    return called_off


def _repeat(step: Callable[[], Waiting], mover: Mover, seconds: float) -> None:
    """Repeat a step until it waits for nothing; tell each new reason."""
    deadline = time.monotonic() + seconds
    told: Waiting = {}
    while waiting := step():
        for job, reason in waiting.items():
            if told.get(job) != reason:
                mover.tell(f"{job}: waiting: {reason}")
        told = waiting
        if time.monotonic() > deadline:
            raise EnvironmentProblemError(_late(mover, waiting, seconds))
        time.sleep(POLL_SECONDS)


def _late(mover: Mover, waiting: Waiting, seconds: float) -> str:
    reasons = "; ".join(f"{job}: {reason}" for job, reason in waiting.items())
    return (
        f"not moved after {seconds:.0f} s: {reasons}; apply again to go on, or `floe migrate "
        f"rollback` to leave it with {mover.source.name}"
    )
