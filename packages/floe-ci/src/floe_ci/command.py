"""`floe ci`: build what a change affects in temporary schemas, and compare with production."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from floe_core.cli.console import notice, print_json, stdout
from floe_core.cli.options import Json, check_file

FAILED = 1
Side = Annotated[
    str, typer.Argument(help="A folder with floe.yaml, or a commit of the product's repository.")
]


def ci(
    base: Side,
    head: Side,
    product: Annotated[
        Path, typer.Option(metavar="DIR", help="The product's folder, if a side is a commit.")
    ] = Path(),
    samples: Annotated[
        int,
        typer.Option(
            min=0,
            max=1000,
            help="How many rows of each kind to show for each table that differs. These are "
            "production rows: everyone who can read the comment sees them.",
        ),
    ] = 0,
    allow_breaking: Annotated[
        bool,
        typer.Option(
            "--allow-breaking", help="Report breaking changes, but don't exit 1 for them."
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also write the comment to this file.", callback=check_file
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Build the nodes that a change from BASE to HEAD affects, and compare them with production.

    Production is where the profile points. Nodes that changed, and nodes that read a column that
    differs as a result, are built in temporary schemas; everything else is read from production.
    Prints one Markdown comment: breaking changes, failures, what was built, and what differs from
    production.

    Exits 1 if a node or a test did not pass, or if a change is breaking: a removed or moved table,
    a removed column or one of another type, or a port whose change breaks a published product.
    Models with `access: private` do not count. Also exits 1 if a side does not compile, 2 for a
    usage error, and 3 if the warehouse or git is not available.
    """
    from floe_ci.check import Change, check_change
    from floe_ci.markdown import as_markdown
    from floe_core.cli.run_view import watch_run
    from floe_core.foundation.errors import UsageError
    from floe_core.storage.files import write_together
    from floe_parity.command import leave_environment

    leave_environment("ci checks")
    if output is not None and not output.absolute().parent.is_dir():
        raise UsageError(f"--output {output}: there is no folder {output.absolute().parent}")
    with _interrupted_by_termination():
        found = check_change(Change(base, head, product, samples), notice, watch_run)
    comment = as_markdown(found)
    if output is not None:
        write_together(output.absolute().parent, {output.name: comment.encode()})
    if as_json:
        print_json(found.as_dict())
    else:
        _print(comment)
    is_fine = found.has_passed and (allow_breaking or not found.is_breaking)
    raise typer.Exit(0 if is_fine else FAILED)


@contextmanager
def _interrupted_by_termination() -> Iterator[None]:
    """Treat SIGTERM, with which CI systems cancel a job, as an interrupt, so that we clean up."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _print(comment: str) -> None:
    from rich.markdown import Markdown

    if stdout().is_terminal:
        stdout().print(Markdown(comment))
    else:
        typer.echo(comment, nl=False)
