"""Decide which of several orchestrators starts a job; the steps of a move between them.

All are pure. A job without an owner, as of a product that never moved, starts everywhere.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from floe_core.schemas.policies import Owner

# Claims are kept for so long at least, so nobody knows of an earlier tick whether it had a run.
LONGEST_LATE = timedelta(days=7)
# In this time after a move, an orchestrator has begun to start the ticks.
TO_TAKE_OVER = timedelta(hours=1)
_LONG_AGO = datetime.fromtimestamp(0, UTC)


def runs_tick(owner: Owner | None, orchestrator: str, tick: datetime) -> str:
    """Return why an orchestrator does not start a job at a tick, "" if it does."""
    if owner is None or not (why := other_owner(owner, orchestrator)):
        return "" if owner is None else _outside(owner, tick)
    return why


def starts_by_itself(owner: Owner | None, orchestrator: str) -> str:
    """Return why an orchestrator does not start a job for updates of ports, "" if it does."""
    if owner is not None and owner.until and owner.orchestrator == orchestrator:
        return f"it is moving to {owner.next}"
    return other_owner(owner, orchestrator)


def other_owner(owner: Owner | None, orchestrator: str) -> str:
    """Return a sentence that names the owner if that is another orchestrator, else ""."""
    is_other = owner is not None and owner.orchestrator != orchestrator
    return f"{owner.orchestrator} runs it, since move {owner.epoch}" if owner and is_other else ""


def idle_mark(owner: Owner | None, orchestrator: str, *, is_enabled: bool) -> str:
    """Return why a schedule or trigger starts nothing here, in brackets, "" if it does."""
    return "" if is_enabled else f" ({starts_by_itself(owner, orchestrator) or 'disabled'})"


def first_owner(orchestrator: str) -> Owner:
    """Return the record of the orchestrator that has run a job alone until now."""
    return Owner(orchestrator=orchestrator, epoch=1, first_tick=_LONG_AGO, late_until=_LONG_AGO)


def begin_move(owner: Owner, target: str, until: datetime) -> Owner:
    """Return the record while a job moves to a target, which runs the ticks from `until` on."""
    return owner.model_copy(update={"until": until, "next": target})


def call_off_move(owner: Owner, now: datetime) -> Owner:
    """Return the record after a move that did not happen: its ticks since `until` run late.

    So do the late ones of the move before it, if the owner may still be running these.
    """
    assert owner.until is not None, "no move is under way"
    is_over = owner.late_until is not None and owner.late_until < owner.until
    late_from = owner.until if is_over else owner.late_from or owner.first_tick
    late = {"late_from": late_from, "late_until": now + TO_TAKE_OVER}
    return owner.model_copy(update={"until": None, "next": "", **late})


def end_move(owner: Owner, now: datetime) -> Owner:
    """Return the record of the target, once the source has run its last tick."""
    assert owner.until is not None, "no move is under way"
    return Owner(
        orchestrator=owner.next,
        epoch=owner.epoch + 1,
        first_tick=owner.until,
        late_until=now + TO_TAKE_OVER,
    )


def _outside(owner: Owner, tick: datetime) -> str:
    """Return why the owner does not run a tick, "" if it does."""
    if tick < owner.first_tick:
        return f"{tick.isoformat()} was before it moved here, at {owner.first_tick.isoformat()}"
    if owner.until is not None and tick >= owner.until:
        return f"from {owner.until.isoformat()} on, {owner.next} runs it"
    return ""
