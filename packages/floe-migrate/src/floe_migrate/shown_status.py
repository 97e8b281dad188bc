"""Who owns the jobs of a product, in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from floe_core.schemas.policies import Owner
from floe_migrate.status import JobState


def print_states(states: Sequence[JobState], console: Console) -> None:
    """Print the owner of each job, a move under way, and the last claims."""
    for each in states:
        console.print(f"{each.job}: {_owner(each.owner)}", markup=False, soft_wrap=True)
        for one in each.claims:
            claim = one.claim
            text = f"  {one.tick.isoformat()} by {claim.orchestrator}, run {claim.run}: {one.state}"
            console.print(text, markup=False, soft_wrap=True)


def _owner(owner: Owner | None) -> str:
    if owner is None:
        return "no owner, so each orchestrator that has it starts it"
    text = f"{owner.orchestrator} owns it (epoch {owner.epoch})"
    if owner.until is None:
        is_first = owner.epoch == 1
        return text if is_first else f"{text}, from {owner.first_tick.isoformat()} on"
    return (
        f"{text}, moving to {owner.next}, which runs what comes from {owner.until.isoformat()} on"
    )
