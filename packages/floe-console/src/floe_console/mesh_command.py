"""`floe mesh`: all products of a platform, their ports, and what each waits for."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from floe_core.cli.console import print_json, stdout, uncropped_console
from floe_core.cli.options import Env, Json

if TYPE_CHECKING:
    from rich.tree import Tree

    from floe_console.mesh import JobState, Mesh, ProductState


def mesh(
    platform: Annotated[
        Path,
        typer.Argument(
            help="A manifest.yaml, its folder, or the folder of a product.",
            show_default="the current folder",
        ),
    ] = Path(),
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page to this file.")
    ] = None,
    env: Env = None,
    as_json: Json = False,
) -> None:
    """Show the products of a platform: their ports, who reads them, schedules and last updates.

    Reads what the products published, and the ledger. Exits 1 if products form a cycle.
    """
    from floe_console.mesh import read_mesh
    from floe_console.mesh_data import as_data
    from floe_core.compiler.ports.products import read_platform

    found = read_mesh(read_platform(platform))
    if html is not None:
        from floe_console.mesh_page import mesh_page
        from floe_core.storage.atomic_files import write_together

        write_together(html.absolute().parent, {html.name: mesh_page(found).encode()})
    if as_json:
        print_json(as_data(found))
    else:
        _print(found, html)
    raise typer.Exit(1 if found.cycle else 0)


def _print(found: Mesh, html: Path | None) -> None:
    console = stdout()
    console.print(f"[bold]{found.name}[/]: {len(found.products)} products")
    for product in found.products:
        uncropped_console().print(_tree(product))
    if found.problem:
        console.print(f"the ledger: {found.problem}", style="yellow", markup=False)
    if found.cycle:
        cycle = " -> ".join(found.cycle)
        console.print(f"products form a cycle: {cycle}", style="red", markup=False)
    if html is not None:
        console.print(f"wrote {html}", soft_wrap=True, markup=False)


def _tree(product: ProductState) -> Tree:
    from rich.markup import escape
    from rich.tree import Tree

    if product.problem:
        return Tree(f"[bold]{product.name}[/] [yellow]{escape(product.problem)}[/]")
    version = escape(product.version)
    tree = Tree(f"[bold]{product.name}[/] {version} on {product.orchestrator}")
    for key in product.reads:
        missing = " [red](no longer offered)[/]" if key in product.not_offered else ""
        tree.add(f"reads {escape(key)}{missing}")
    for offered in product.ports:
        readers = ", ".join(offered.consumers) or "nobody"
        update = offered.last_update
        when = f"updated {_format_moment(update.moment)}" if update else "never updated"
        tree.add(f"offers {escape(offered.key)} to {readers} [dim]{when}[/]")
    for job in product.jobs:
        if line := " ".join(_of_job(job)):
            tree.add(f"job {job.name} {escape(line)}")
    return tree


def _of_job(job: JobState) -> list[str]:
    words = []
    if job.schedule:
        words.append(f"at {job.schedule}")
    if job.next_tick:
        words.append(f"(next {_format_moment(job.next_tick)})")
    if job.trigger:
        words.append(f"on update of {job.trigger.on_update}")
    if job.is_paused:
        words.append("paused")
    if job.waiting_for:
        words.append(f"waits for {', '.join(job.waiting_for)}")
    if job.is_due:
        words.append("is due")
    if job.last_start:
        words.append(f"last started {_format_moment(job.last_start.moment)}")
    return words


def _format_moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
