"""`floe mesh`: all products of a platform, their ports, and what each waits for."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floe_core.cli.console import count_of, notice, print_json, stdout, uncropped_console
from floe_core.cli.options import Env, Json
from floe_core.foundation.stages import begin_stage

if TYPE_CHECKING:
    from rich.tree import Tree

    from floe_console.mesh import JobState, Mesh, ProductState
    from floe_core.compiler.ports.products import Platform


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
    contracts: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write a document of the Open Data Contract Standard for each port.",
        ),
    ] = None,
    serve: Annotated[
        bool,
        typer.Option("--serve", help="Serve a page that also shows runs, until ^C."),
    ] = False,
    host: Annotated[str, typer.Option(help="The address on which --serve listens.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port of --serve; 0 for any free one.")
    ] = 8790,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A host name under which a proxy serves the page."),
    ] = None,
    access: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="MANIFEST",
            help="A manifest that says how to reach a further orchestrator. Can be repeated.",
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds that --json waits for orchestrators.")
    ] = 8.0,
    env: Env = None,
    as_json: Json = False,
) -> None:
    """Show the products of a platform: their ports, who reads them, schedules and last updates.

    Reads what the products published, and the ledger. With --json or --serve, also reads the runs
    from the orchestrators, and records of runs. Exits 1 if products form a cycle.
    """
    from floe_console.mesh import read_mesh
    from floe_core.compiler.ports.products import read_platform

    if serve:
        _refuse_with_serve(html=html, contracts=contracts, json=as_json or None)
        _serve(platform, access or [], host, port, allow_host or [])
        return
    begin_stage("reading what the products have published")
    products = read_platform(platform)
    found = read_mesh(products)
    if contracts is not None:
        _write_contracts(contracts, products)
    if html is not None:
        from floe_console.mesh_data import mesh_page
        from floe_core.storage.files import write_together

        write_together(html.absolute().parent, {html.name: mesh_page(found).encode()})
    if as_json:
        print_json(_data(platform, access or [], timeout))
    else:
        _print(found, html)
    raise typer.Exit(1 if found.cycle else 0)


def _write_contracts(folder: Path, platform: Platform) -> None:
    from floe_console.port_contracts import contract_files
    from floe_core.storage.files import write_together

    files = contract_files(each for each in platform.products.values() if each is not None)
    folder.mkdir(parents=True, exist_ok=True)
    write_together(folder.absolute(), files)
    notice(f"wrote {len(files)} contracts to {folder}")


def _data(path: Path, access: list[Path], seconds: float) -> dict[str, Any]:
    from floe_console.data.access import manifests_at
    from floe_console.data.as_data import platform_as_data
    from floe_console.data.refresh import Platform as LivePlatform

    platform = LivePlatform(path, manifests_at(access))
    platform.look(seconds)
    return platform_as_data(platform)


def _serve(path: Path, access: list[Path], host: str, port: int, hosts: list[str]) -> None:
    from floe_console.data.access import manifests_at
    from floe_console.data.refresh import Platform as LivePlatform
    from floe_core.foundation.extras import needed_extra

    with needed_extra("console", "`floe mesh --serve`"):
        from floe_console.serve.run_server import serve
    platform = LivePlatform(path, manifests_at(access))
    platform.start()
    try:
        serve(
            platform, host, port, hosts, lambda url: notice(f"{url} shows the platform; ^C ends it")
        )
    finally:
        platform.stop()


def _announce(url: str) -> None:
    notice(f"{url} shows the platform; ^C ends it")


def _refuse_with_serve(**options: object) -> None:
    from floe_core.foundation.errors import UsageError

    given = [f"--{name}" for name, value in options.items() if value is not None]
    if given:
        raise UsageError(f"--serve takes no {' and no '.join(given)}")


def _print(found: Mesh, html: Path | None) -> None:
    console = stdout()
    console.print(f"[bold]{found.name}[/]: {count_of(len(found.products), 'product')}")
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
        never = "last update unknown" if offered.unknown else "never updated"
        when = f"updated {_format_moment(update.moment)}" if update else never
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
        words.append(f"waits for {job.waits_for}")
    if job.is_due:
        words.append("is due")
    if job.unknown and job.trigger:
        words.append("whether it is due is unknown")
    if job.stale:
        words.append(f"stale: {', '.join(job.stale)}")
    if job.last_start:
        words.append(f"last started {_format_moment(job.last_start.moment)}")
    return words


def _format_moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
