"""`floe init`: create a product."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from floe_core.cli.console import stderr, stdout
from floe_core.cli.options import check_installed, installed_orchestrators


def init(
    folder: Annotated[Path, typer.Argument(help="The product's folder; created if missing.")],
    orchestrator: Annotated[
        str | None,
        typer.Option(
            "--on",
            metavar="NAME",
            help="The orchestrator for a new manifest.yaml; dagster if not given.",
            autocompletion=installed_orchestrators,
            callback=check_installed,
        ),
    ] = None,
    cron: Annotated[
        str | None, typer.Option(metavar="CRON", help="A schedule, such as '0 6 * * *', in UTC.")
    ] = None,
) -> None:
    """Create a product in a folder: a dbt project with one model, floe.yaml, manifest.yaml.

    In an existing dbt project, adds only floe.yaml and manifest.yaml: the project keeps its name,
    profile, target and threads. Also writes the schemas of both files, for editors. Overwrites no
    file. Without --cron the product has no schedule.
    """
    from floe_core.compiler.new_product import (
        find_manifest,
        new_product_files,
        warehouse_of_project,
    )
    from floe_core.foundation.errors import UsageError
    from floe_core.schedules import parse_cron
    from floe_core.storage.files import write_together

    if (folder / "floe.yaml").exists():
        raise UsageError(f"{folder / 'floe.yaml'} already exists; compile it with `floe compile`")
    if cron is not None:
        try:
            parse_cron(cron)
        except ValueError as error:
            raise UsageError(f"--cron: {error}") from None
    if orchestrator and (platform := find_manifest(folder)):
        raise UsageError(
            f"{folder / platform} chooses the orchestrator: leave out --on, and change it there"
        )
    is_new = not (folder / "dbt_project.yml").exists()
    warehouse = None if is_new else warehouse_of_project(folder.absolute())
    files = new_product_files(folder, orchestrator or "dagster", cron, brings_warehouse=is_new)
    write_together(folder, {name: text.encode() for name, text in files.items()})
    for name in files:
        stdout().print(f"wrote {folder / name}", soft_wrap=True, markup=False)
    if warehouse is not None:
        stderr().print(warehouse, style="dim", soft_wrap=True, markup=False)
    stdout().print(f"next: floe run {quote(str(folder))}", soft_wrap=True, markup=False)
