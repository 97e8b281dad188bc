"""`floe diff`: what changed between two compilations of a product."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from floe_core.cli.console import print_json, stdout
from floe_core.cli.options import Json

if TYPE_CHECKING:
    from floe_core.difference import ProductDifference

DIFFERENT = 1
Artifacts = Annotated[
    Path, typer.Argument(help="A compiled folder, or only its compiled_artifacts.json.")
]


def diff(
    old: Artifacts,
    new: Artifacts,
    days: Annotated[
        int, typer.Option(min=1, max=3660, help="Number of days whose ticks are compared.")
    ] = 90,
    from_: Annotated[
        datetime | None,
        typer.Option("--from", help="The first of these days, in UTC; by default today."),
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit 1 if anything changed.")
    ] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, for example for a pull request.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show changed nodes, edges, jobs, ticks and settings, and everything downstream."""
    from floe_core.difference import difference
    from floe_core.schemas.artifacts_reader import read_artifacts

    before, after = read_artifacts(old), read_artifacts(new)
    start = (from_ or datetime.now(UTC)).replace(tzinfo=UTC)
    found = difference(before, after, start, start + timedelta(days=days))
    title = f"{after.product.name} {before.product.version} -> {after.product.version}"
    if as_json:
        print_json({"different": bool(found), **asdict(found)})
    else:
        _print(found, title, markdown)
    if found and exit_code:
        raise typer.Exit(DIFFERENT)


def _print(found: ProductDifference, title: str, as_it_is: bool) -> None:
    from rich.markdown import Markdown

    from floe_core.difference.markdown import as_markdown

    text = as_markdown(found, title)
    # Laid out for a terminal only: in a file, an id that is cut in two is no longer an id.
    if as_it_is or not stdout().is_terminal:
        typer.echo(text)
    else:
        stdout().print(Markdown(text))
