"""`floe mcp`: the platform for programs that speak the Model Context Protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from floe_core.cli.options import Env


def mcp(
    platform: Annotated[
        Path,
        typer.Argument(
            help="A manifest.yaml, its folder, or the folder of a product.",
            show_default="the current folder",
        ),
    ] = Path(),
    access: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="MANIFEST",
            help="A manifest that says how to reach a further orchestrator. Can be repeated.",
        ),
    ] = None,
    product: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FOLDER",
            help="The code of a product that is published elsewhere. Can be repeated.",
        ),
    ] = None,
    env: Env = None,
) -> None:
    """Answer questions about a platform over MCP, on standard input and output.

    The tools only read: products, runs, why a run failed, what the next run would build, what a
    change breaks, and where a column comes from.
    """
    from floe_console.data.access import manifests_at
    from floe_console.data.refresh import Platform
    from floe_core.foundation.extras import needed_extra

    with needed_extra("mcp", "`floe mcp`"):
        from floe_console.mcp_server.server import mcp_server
    found = Platform(platform, manifests_at(access or []))
    found.read_products()
    mcp_server(found, platform, product or []).run()
