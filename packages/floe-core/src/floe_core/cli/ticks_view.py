"""Print ticks in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from floe_core.cli.console import count_of, stdout

MAX_SHOWN = 1_000


def print_ticks(
    cron: str, timezone: str, span: tuple[datetime, datetime], found: list[datetime]
) -> None:
    """Print ticks in their time zone and in UTC, and the effect of clock changes in the span."""
    from floe_core.schedules import check_timezone, parse_cron
    from floe_core.schedules.clock_changes import clock_changes, effect_on

    zone = check_timezone(timezone)
    changes = list(clock_changes(zone, *span))
    days = {wall.date() for change in changes for wall in (change.from_wall, change.to_wall)}
    console = stdout()
    console.print(
        f"{cron} in {timezone}: {count_of(len(found), 'tick')}", style="bold", markup=False
    )
    for tick in found[:MAX_SHOWN]:
        local = tick.astimezone(zone)
        mark = "   clock change" if local.date() in days else ""
        console.print(f"  {local:%a %Y-%m-%d %H:%M %Z}   {tick:%Y-%m-%d %H:%M} UTC{mark}")
    if len(found) > MAX_SHOWN:
        console.print(f"  and {len(found) - MAX_SHOWN} more")
    for change in changes:
        effect = effect_on(parse_cron(cron), change)
        console.print(f"{change}; {effect}", markup=False, soft_wrap=True)


def print_comparison(name: str, ours: list[datetime], theirs: list[datetime]) -> bool:
    """Print how an orchestrator's ticks differ from floe's; return whether they are the same."""
    console = stdout()
    if ours == theirs:
        console.print(f"{name} computes the same {count_of(len(theirs), 'tick')}")
        return True
    for tick in sorted(set(ours) ^ set(theirs)):
        who = "floe" if tick in ours else name
        console.print(f"  {tick:%Y-%m-%d %H:%M} UTC only by {who}", markup=False)
    console.print(f"{name} computes {count_of(len(theirs), 'tick')}, floe {len(ours)}: they differ")
    return False


def print_running(row: Mapping[str, Any]) -> bool:
    """Print a job's next tick as a running orchestrator reports it; return whether floe agrees.

    `row` is one of `schedule_rows`. Nothing is printed if no orchestrator is running.
    """
    running = row["running"]
    if running is None:
        return True
    console = stdout()
    name, theirs, ours = running["orchestrator"], running["next_tick"], row["next_tick"]
    console.print(f"next tick by the running {name}: {theirs or 'none'}", markup=False)
    if theirs != ours:
        console.print(f"next tick by floe: {ours or 'none'}; they differ", markup=False)
    return bool(theirs == ours)
