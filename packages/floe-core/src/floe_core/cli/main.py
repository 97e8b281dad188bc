"""The `floe` command."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from floe_core import __version__
from floe_core.cli.commands import (
    alerts_command,
    compile_command,
    doctor_command,
    explain_command,
    init_command,
    lineage_command,
    plan_command,
    plugins_command,
    run_command,
    schedule_command,
    schema_command,
    show_command,
    ticks_command,
)
from floe_core.cli.console import StagesOnStderr, is_json_log, without_controls, write_log
from floe_core.cli.floe_commands import Commands, hide_types_of_flags, join_lines_of_help
from floe_core.foundation.errors import FloeError
from floe_core.foundation.garbage_collection import exit_without_collecting
from floe_core.foundation.lost_interrupts import interrupt_again
from floe_core.foundation.stages import stages_shown_by

app = typer.Typer(
    name="floe",
    cls=Commands,
    help="Write a data product once; run it unchanged on Dagster, Airflow or another orchestrator.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init")(init_command.init)
app.command("compile")(compile_command.compile_)
app.command("run")(run_command.run)
app.command("plan")(plan_command.plan)
app.command("show")(show_command.show)
app.command("explain")(explain_command.explain)
app.command("ticks")(ticks_command.ticks)
app.command("schema")(schema_command.schema)
app.command("doctor")(doctor_command.doctor)
app.command("plugins")(plugins_command.plugins)
app.add_typer(schedule_command.app)
app.add_typer(lineage_command.app)
app.add_typer(alerts_command.app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"floe {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; exit 1 for the user's files, 2 for usage, 3 for the environment."""
    hide_types_of_flags()
    join_lines_of_help(app)
    exit_without_collecting()
    interrupt_again()
    try:
        with stages_shown_by(StagesOnStderr()):
            app()
    except FloeError as error:
        if is_json_log():
            write_log("error", "error", str(error))
        else:
            sys.stderr.write(f"{without_controls(str(error))}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
