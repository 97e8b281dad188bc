"""`floe ticks`: show the ticks of a schedule."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from floe_core.cli.console import count_of, print_json, stdout
from floe_core.cli.options import (
    Env,
    JobOption,
    Json,
    Product,
    check_installed,
    given_options,
    installed_orchestrators,
)

DEFAULT_SPAN = timedelta(days=7)
DIFFERENT = 1


def ticks(
    context: typer.Context,
    product: Product = Path(),
    cron: Annotated[
        str | None, typer.Option(help="A cron expression instead of a product.")
    ] = None,
    timezone: Annotated[str, typer.Option(help="The time zone of --cron.")] = "UTC",
    from_: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="ISO", help="The first moment, in UTC unless it has an offset."
        ),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="ISO", help="The end, which is not included.")
    ] = None,
    job: JobOption = None,
    env: Env = None,
    on: Annotated[
        str | None,
        typer.Option(
            "--on",
            metavar="NAME",
            help="Also compute the ticks with this orchestrator's own code.",
            autocompletion=installed_orchestrators,
            callback=check_installed,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the ticks of a schedule, in its own time zone and in UTC.

    With --on, also shows the orchestrator's own ticks, and the next tick of the running
    orchestrator if there is one. Exits 1 if they differ from floe's. With --json, prints only the
    orchestrator's ticks.

    When the clock changes, an expression that covers every hour ticks whenever the clock shows a
    matching time. For any other, a time that is skipped ticks at the first moment after the gap,
    and a time that occurs twice ticks at its second occurrence.
    """
    from floe_core.cli.moments import read_moment
    from floe_core.foundation.errors import UsageError
    from floe_core.schedules import check_timezone, ticks_between

    _refuse_what_is_ignored(context)
    start = read_moment(from_, "--from") if from_ else datetime.now(UTC)
    end = read_moment(to, "--to") if to else start + DEFAULT_SPAN
    if end < start:
        begin = f"--from {from_}" if from_ else "now, when it begins without --from"
        raise UsageError(f"--to {to}: that is before {begin}")
    is_of_product = cron is None
    if cron is None:
        cron, timezone = _schedule_of(product, job)
    try:
        check_timezone(timezone)
        ours = ticks_between(cron, timezone, start, end)
    except ValueError as error:
        raise UsageError(str(error)) from None
    theirs = _theirs(on, cron, timezone, start, end) if on else None
    if as_json:
        found = ours if theirs is None else theirs
        print_json([tick.isoformat() for tick in found])
        if found != ours:
            raise typer.Exit(DIFFERENT)
        return
    print_ticks(cron, timezone, (start, end), ours)
    if theirs is None or on is None:
        return
    is_same = print_comparison(on, ours, theirs)
    if is_of_product:
        is_same &= _print_running(product, job, on)
    if not is_same:
        raise typer.Exit(DIFFERENT)


def _refuse_what_is_ignored(context: typer.Context) -> None:
    """Refuse options of a product beside `--cron`, and options of `--cron` without it."""
    from floe_core.foundation.errors import UsageError

    given = given_options(context)
    if "cron" not in given and "timezone" in given:
        raise UsageError("--timezone is for --cron; a product's schedule has its own time zone")
    names = {"product": "PRODUCT", "job": "--job", "env": "--env"}
    ignored = [shown for name, shown in names.items() if "cron" in given and name in given]
    if ignored:
        raise UsageError(f"--cron is used instead of a product; leave out {', '.join(ignored)}")


def _print_running(product: Path, job_name: str | None, on: str) -> bool:
    """Print what the running orchestrator reports; return False if it contradicts floe."""
    from floe_core.cli.fresh_product import product_and_plugin
    from floe_core.cli.schedule_rows import schedule_rows
    from floe_core.foundation.errors import UsageError
    from floe_core.schemas.compiled_artifacts import ARTIFACTS_FILE

    if not (product / ARTIFACTS_FILE).exists():
        return True
    artifacts, plugin = product_and_plugin(product, on)
    rows = {row["job"]: row for row in schedule_rows(artifacts, plugin)}
    name = job_name or artifacts.jobs[0].name
    if name not in rows:
        raise UsageError(f"the job '{name}' is not compiled yet; run `floe compile`")
    return print_running(rows[name])


def _theirs(on: str, cron: str, timezone: str, start: datetime, end: datetime) -> list[datetime]:
    """Return the ticks as the code of an orchestrator computes them."""
    from floe_core import plugin_registry
    from floe_core.foundation.errors import UsageError
    from floe_core.plugin_api.powers import TickReporter
    from floe_core.schemas.policies import Schedule

    plugin = plugin_registry.load(on, {})
    if not isinstance(plugin, TickReporter):
        raise UsageError(f"the plugin '{on}' cannot compute its orchestrator's ticks")
    return plugin.ticks_of(Schedule(cron=cron, timezone=timezone), start, end)


def _schedule_of(product: Path, job_name: str | None) -> tuple[str, str]:
    """Return the current cron expression and time zone of the product's job; does not run dbt."""
    from floe_core.compiler.jobs.product_schedules import product_schedules
    from floe_core.foundation.errors import UsageError

    schedules = product_schedules(product)
    name = job_name or next(iter(schedules))
    if name not in schedules:
        raise UsageError(f"no job '{name}'; the jobs are {', '.join(schedules)}")
    schedule = schedules[name]
    if schedule is None:
        raise UsageError(f"the job '{name}' has no schedule")
    return schedule.cron, schedule.timezone


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
