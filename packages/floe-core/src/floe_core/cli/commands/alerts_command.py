"""`floe alerts`: show, send and test a product's alerts."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from floe_core.cli.console import count_of, print_json, stdout
from floe_core.cli.options import Env, Json, Product

if TYPE_CHECKING:
    from floe_core.alerts.alert_store import FlushedTarget
    from floe_core.alerts.deadline_watch import DeadlineState
    from floe_core.alerts.delivery_status import TargetStatus, TargetTest
    from floe_core.schemas import CompiledArtifacts

ENVIRONMENT = 3
Timeout = Annotated[float, typer.Option(min=0.0, help="Seconds to keep trying.")]

app = typer.Typer(
    name="alerts",
    help="Show and send a product's alerts, or test them.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command()
def status(product: Product = Path(), as_json: Json = False) -> None:
    """Show pending alerts for each target, and alerts that it refused, with the reason."""
    from floe_core.alerts import status as alert_status

    found = alert_status(_load(product))
    if as_json:
        print_json(asdict(found))
        return
    if not found.targets:
        stdout().print("this product has no alerts")
    for target in found.targets:
        _print_status(target)


@app.command()
def flush(
    product: Product = Path(),
    timeout: Timeout = 30.0,
    refused: Annotated[
        bool, typer.Option("--refused", help="Also send refused alerts again.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Send pending alerts. Exits 3 if some are still pending after the timeout."""
    from floe_core.alerts import flush as flush_alerts

    _end(flush_alerts(_load(product), timeout, also_refused=refused), as_json)


@app.command("test")
def send(product: Product = Path(), timeout: Timeout = 10.0, as_json: Json = False) -> None:
    """Send a test alert to every target. Exits 3 if a target does not accept it.

    A test that was not sent is not sent later.
    """
    from floe_core.alerts.delivery_status import send_test

    done = send_test(_load(product), timeout)
    if as_json:
        print_json({"targets": [asdict(each) for each in done]})
    else:
        _print_targets({each.target: _result_of(each) for each in done})
    raise typer.Exit(0 if all(each.was_sent for each in done) else ENVIRONMENT)


@app.command()
def check(product: Product = Path(), env: Env = None, as_json: Json = False) -> None:
    """Send one alert for each missed deadline of a product's jobs and for each killed build.

    For a product that no orchestrator watches: run this every few minutes. Deadlines are watched
    from the first check on.
    """
    from floe_core.alerts import report_lateness, send_waiting
    from floe_core.execution.reports.killed_builds import report_killed_builds

    artifacts = _load(product)
    killed = report_killed_builds(artifacts)
    found = report_lateness(artifacts)
    send_waiting(artifacts)
    if as_json:
        print_json({"killed": killed, "jobs": [_facts_of_deadline(state) for state in found]})
        return
    if killed:
        stdout().print(f"killed and reported now: {count_of(killed, 'build')}")
    if not found:
        stdout().print("this product has no deadlines with alerts")
    for state in found:
        _print_deadline(state)


def _facts_of_deadline(state: DeadlineState) -> dict[str, str | bool | None]:
    return {
        "job": state.job.name,
        "is_late": state.missed is not None,
        "missed": state.missed.isoformat() if state.missed else None,
        "is_new": state.is_new,
        "last_end": state.last_end.isoformat() if state.last_end else None,
    }


def _print_deadline(state: DeadlineState) -> None:
    from floe_core.alerts.lateness import format_moment

    what = f"{state.job.name}: not late"
    if state.missed:
        sent = "alert sent" if state.is_new else "alert already sent"
        what = f"{state.job.name}: missed {format_moment(state.job, state.missed)}; {sent}"
    stdout().print(what, markup=False, soft_wrap=True)


def _end(done: tuple[FlushedTarget, ...], as_json: bool) -> None:
    if as_json:
        print_json({"targets": [asdict(each) for each in done]})
    else:
        _print_targets({each.target: _counts_of(each) for each in done})
    raise typer.Exit(ENVIRONMENT if any(each.waiting or each.refused for each in done) else 0)


def _counts_of(done: FlushedTarget) -> str:
    counts = f"{done.sent} sent, {done.refused} refused, {done.waiting} still waiting"
    return f"{counts}: {done.reason}" if done.reason else counts


def _result_of(done: TargetTest) -> str:
    return "sent" if done.was_sent else f"not sent: {done.reason}"


def _print_targets(results: dict[str, str]) -> None:
    if not results:
        stdout().print("no target is enabled")
    for target, result in results.items():
        stdout().print(f"{target}: {result}", markup=False, soft_wrap=True)


def _print_status(target: TargetStatus) -> None:
    what = f"{target.waiting} waiting, {len(target.refused)} refused"
    off = " (switched off: the variable is empty)" if target.is_off else ""
    lines = [f"{target.target} on {', '.join(target.kinds)}: {what}{off}"]
    if target.last_failure:
        lines.append(f"  last error: {target.last_failure}")
    lines += [f"  refused {each.title}: {each.reason}" for each in target.refused]
    if target.full_since:
        lines.append(f"  the spool was full at {target.full_since}: later alerts were dropped")
    for line in lines:
        stdout().print(line, markup=False, soft_wrap=True)


def _load(product: Path) -> CompiledArtifacts:
    from floe_core.cli.commands.lineage_command import compiled_folder
    from floe_core.schemas import CompiledArtifacts

    return CompiledArtifacts.load(compiled_folder(product))
