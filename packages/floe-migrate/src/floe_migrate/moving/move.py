"""The record of a job's owner, from one step of a move to the next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from floe_core.foundation.errors import UsageError
from floe_core.schedules.ownership import end_move, first_owner
from floe_core.schemas.policies import Owner

Stage = Literal["kept", "announced", "moved"]


@dataclass(frozen=True, slots=True)
class Move:
    """The move of a job from one orchestrator to another."""

    job: str
    source: str
    target: str

    def stage(self, owner: Owner) -> Stage:
        """Return how far the move is, by the job's record.

        Raises:
            UsageError: Another move of the job is under way, or a third orchestrator owns it.
        """
        here = owner.orchestrator
        if owner.next and (here, owner.next) != (self.source, self.target):
            raise UsageError(
                f"a move of job '{self.job}' from {here} to {owner.next} is under way; finish it "
                f"with `floe migrate apply --to {owner.next}`, or end it with `floe migrate "
                "rollback`"
            )
        if here not in (self.source, self.target):
            raise UsageError(
                f"job '{self.job}' belongs to {here}, not to {self.source}; give --from {here}"
            )
        if here == self.target:
            return "moved"
        return "announced" if owner.next else "kept"


def first_record(source: str, now: datetime) -> Owner:
    """Return the first record of a job: of the orchestrator that has run it alone until now."""
    return first_owner(source).model_copy(update={"late_from": now, "late_until": now})


def recorded_since(owner: Owner) -> datetime | None:
    """Return since when the first owner of a job claims its ticks, None for a later owner.

    A run stands for a tick from before. That is the first record, or the end of a move that was
    called off or extended.
    """
    return owner.late_from if owner.epoch == 1 else None


def hand_over(owner: Owner, first_tick: datetime, now: datetime) -> Owner:
    """Return the record of the next owner, which runs the ticks from `first_tick` on."""
    return end_move(owner, now).model_copy(update={"first_tick": first_tick})
