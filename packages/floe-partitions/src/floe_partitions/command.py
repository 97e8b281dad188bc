"""`floe partitions`: which partitions of a product are done, failed, missing or stale."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from floe_core.cli.console import print_json, stdout
from floe_core.cli.options import Env, Json, NodesToShow, Product, check_file
from floe_core.foundation.stages import begin_stage


def partitions(
    product: Product = Path(),
    env: Env = None,
    select: NodesToShow = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="KEY", help="The first partition to show.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="KEY", help="The last partition to show.")
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", callback=check_file, help="Write a page."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show how each partition of each node stands: done, failed, missing or stale.

    Stale is what was built with other code than now, or before something that it reads for the same
    partition. `floe run --backfill FROM TO` with `--failed`, `--missing` or `--stale` builds them.
    """
    from floe_core.cli.fresh_product import read_or_compile
    from floe_core.schemas.artifacts_reader import load_copy
    from floe_partitions.overview import read_overview

    artifacts = load_copy(product) or read_or_compile(product, None, refuses_losses=False)
    if artifacts.project_dir is None:
        artifacts = artifacts.bound_to(product.absolute())
    begin_stage("reading the records of partitions")
    found = read_overview(artifacts, select or "", first or "", last or "")
    if html is not None:
        from floe_core.storage.files import write_together
        from floe_partitions.page import partitions_page

        page = partitions_page(found)
        write_together(html.absolute().parent, {html.name: page.encode()})
    if as_json:
        from floe_partitions.data import as_data

        print_json(as_data(found))
        return
    from floe_partitions.grid import print_grid

    print_grid(found, stdout())
    if html is not None:
        stdout().print(f"wrote {html}", soft_wrap=True, markup=False)
