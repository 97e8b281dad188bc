"""`floe schedule`: change when a product's jobs run, without compiling or restarting anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floe_core.cli.console import print_json, stdout
from floe_core.cli.fresh_product import product_and_plugin
from floe_core.cli.options import Env, JobOption, Json, On, Product
from floe_core.foundation.stages import begin_stage

if TYPE_CHECKING:
    from floe_core.plugin_api.powers import ScheduleController

app = typer.Typer(
    name="schedule",
    help="Change the schedules of a compiled product, also on a running orchestrator.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("set")
def set_(
    cron: Annotated[str, typer.Option(help="A cron expression, such as '0 6 * * *'.")],
    product: Product = Path(),
    timezone: Annotated[
        str, typer.Option(help="The time zone of the expression, such as Europe/London.")
    ] = "UTC",
    job: JobOption = None,
    on: On = None,
    env: Env = None,
    as_json: Json = False,
) -> None:
    """Set a job's schedule; replaces the current one."""
    change = _Change(product, job, on)
    change.make(lambda: change.plugin.schedule_job(change.job, cron, timezone), as_json)


@app.command()
def unset(
    product: Product = Path(),
    job: JobOption = None,
    on: On = None,
    env: Env = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="Restore the schedule of floe.yaml instead.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Remove a job's schedule."""
    change = _Change(product, job, on)
    control = change.control
    undo = control.reset_schedule if reset else control.unschedule_job
    change.make(lambda: undo(change.job), as_json)


@app.command()
def pause(
    product: Product = Path(),
    job: JobOption = None,
    on: On = None,
    env: Env = None,
    as_json: Json = False,
) -> None:
    """Pause a job: neither its schedule nor updates of ports start it."""
    change = _Change(product, job, on)
    change.make(lambda: change.control.pause(change.job), as_json)


@app.command()
def resume(
    product: Product = Path(),
    job: JobOption = None,
    on: On = None,
    env: Env = None,
    as_json: Json = False,
) -> None:
    """Resume a paused job: its schedule from the next tick, and updates since the pause."""
    change = _Change(product, job, on)
    change.make(lambda: change.control.resume(change.job), as_json)


@app.command("list")
def list_(product: Product = Path(), on: On = None, env: Env = None, as_json: Json = False) -> None:
    """Show each job's current schedule, and its next tick by floe and by the orchestrator.

    The orchestrator's next tick is shown if it is running and has the job.
    """
    from floe_core.cli.schedule_rows import schedule_rows

    artifacts, plugin = product_and_plugin(product, on)
    begin_stage(f"asking {plugin.name} for its next ticks")
    rows = schedule_rows(artifacts, plugin)
    if as_json:
        print_json(rows)
        return
    for row in rows:
        _print_row(row)


class _Change:
    """A change of one job's schedule through its orchestrator's plugin."""

    def __init__(self, product: Path, job: str | None, on: str | None) -> None:
        self.artifacts, self.plugin = product_and_plugin(product, on)
        self.job = job or self.artifacts.jobs[0].name
        self._product = product

    @property
    def control(self) -> ScheduleController:
        """The plugin, if it can do more than set schedules."""
        from floe_core.foundation.errors import PluginError
        from floe_core.plugin_api.powers import ScheduleController

        if not isinstance(self.plugin, ScheduleController):
            raise PluginError(f"the plugin '{self.plugin.name}' can only set schedules")
        return self.plugin

    def make(self, change: Callable[[], None], as_json: bool) -> None:
        """Make the change, and print the resulting schedule."""
        from floe_core.cli.running_dev import running_dev
        from floe_core.cli.schedule_rows import schedule_rows
        from floe_core.foundation.errors import FloeError, UsageError
        from floe_core.foundation.process_environment import environment_with

        begin_stage(f"changing the schedule on {self.plugin.name}")
        try:
            with running_dev(self._product, self.plugin.name) as dev:
                variables = dev.variables if dev is not None else {}
            # It may pause all schedules, and then shows none of what is set.
            with environment_with(variables):
                change()
        except FloeError:
            raise
        except ValueError as error:
            raise UsageError(str(error)) from None
        begin_stage(f"asking {self.plugin.name} for its next ticks")
        [row] = [
            row for row in schedule_rows(self.artifacts, self.plugin) if row["job"] == self.job
        ]
        print_json(row) if as_json else _print_row(row)


def _print_row(row: dict[str, Any]) -> None:
    from rich.markup import escape

    console = stdout()
    if row["cron"] is None:
        where = escape(row["set_in"])
        rule = f"on update of {row['on_update']} ports" if row["on_update"] else "no schedule"
        console.print(f"[bold]{row['job']}[/]: {rule} ({where}){_state(row)}", soft_wrap=True)
    else:
        _print_rule(row)
    if running := row["running"]:
        tick = _format_tick(running["next_tick"], row) if running["next_tick"] else "none"
        console.print(f"  next tick by {running['orchestrator']}: {tick}", markup=False)


def _print_rule(row: dict[str, Any]) -> None:
    from rich.markup import escape

    console = stdout()
    rule = f"{row['cron']} in {row['timezone']} (set in {escape(row['set_in'])})"
    console.print(f"[bold]{row['job']}[/]: {rule}{_state(row)}", soft_wrap=True)
    if row["next_tick"]:
        console.print(f"  next tick: {_format_tick(row['next_tick'], row)}", markup=False)


def _state(row: dict[str, Any]) -> str:
    if row["why_not_here"]:
        return f", [yellow]{row['why_not_here']}[/]"
    return ", [yellow]paused[/]" if row["paused"] else ""


def _format_tick(tick: str, row: dict[str, Any]) -> str:
    from datetime import datetime

    from floe_core.cli.moments import show_tick

    return show_tick(datetime.fromisoformat(tick), row["timezone"] or "UTC")
