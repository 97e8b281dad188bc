"""The findings of a plan, for a person and as JSON."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape

from floe_migrate.planning.finding import Finding

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
