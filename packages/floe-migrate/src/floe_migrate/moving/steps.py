"""The steps of a move from the first to the last, and of one that is called off."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schedules.ownership import call_off_move
from floe_migrate.moving.mover import Mover, Waiting
from floe_migrate.moving.records import Records

POLL_SECONDS = 2.0


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
