"""The plan of a move, and how far it is, as text."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape

from floe_core.schemas.policies import Owner
from floe_migrate.planning.finding import Finding
from floe_migrate.status import JobState

_MARKS = {
    "ok": "[green]ok[/]",
    "note": "[dim]note[/]",
    "loss": "[red]loss[/]",
    "unknown": "[yellow]unknown[/]",
    "accepted": "[dim]accepted[/]",
}


def print_plan(
    names: tuple[str, str], found: Sequence[Finding], accepted: Collection[str], console: Console
) -> None:
    """Print a line for each finding, and what to do with those that speak against the move."""
    console.print(f"[bold]from {names[0]} to {names[1]}[/]")
    for each in found:
        mark = _MARKS[_shown_kind(each, accepted)]
        console.print(f"{mark} [bold]{escape(each.code)}[/]: {escape(each.what)}", soft_wrap=True)
        if each.fix:
            console.print(f"  fix: {each.fix}", style="dim", markup=False, soft_wrap=True)
    codes = list(dict.fromkeys(each.code for each in found if each.blocks(accepted)))
    if codes:
        options = " ".join(f"--accept {code}" for code in codes)
        console.print(f"fix these, or accept them: {options}", markup=False, soft_wrap=True)
    else:
        console.print("nothing is lost that is not accepted", markup=False)


def plan_as_data(
    names: tuple[str, str], found: Sequence[Finding], accepted: Collection[str]
) -> dict[str, Any]:
    """Return the plan as `floe migrate plan --json` prints it."""
    return {
        "from": names[0],
        "to": names[1],
        "is_ready": not any(each.blocks(accepted) for each in found),
        "findings": [{**asdict(each), "is_accepted": each.code in accepted} for each in found],
    }


def _shown_kind(each: Finding, accepted: Collection[str]) -> str:
    is_against = each.blocks(())
    return "accepted" if is_against and not each.blocks(accepted) else each.kind


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
