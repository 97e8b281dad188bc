"""`floe compile`: write the files that an orchestrator loads."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from floe_core.cli.console import notice, print_json, stdout
from floe_core.cli.options import Json, On, Product


def compile_(
    product: Product = Path(),
    on: On = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Compile into a copy of the product in this folder."
        ),
    ] = None,
    publish: Annotated[
        bool,
        typer.Option(
            "--publish",
            help="Publish the compiled product where `products` of the manifest says.",
        ),
    ] = False,
    allow_missing: Annotated[
        bool,
        typer.Option(
            "--allow-missing", help="Compile even if a product whose ports it reads is unpublished."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Compile a product: floe.yaml, manifest.yaml and the dbt project into one artifacts file.

    Writes compiled_artifacts.json, target/manifest.json, profiles.yml and the file that the
    orchestrator loads: all of them, or none if anything is wrong. A file of your own in place of
    the last one stays.
    """
    from floe_core.cli.running_dev import kept_parses
    from floe_core.compiler.compile_product import prepare_product
    from floe_core.compiler.publication import place_of_product, publish_to

    with kept_parses(product) if out is None else nullcontext():
        compiled = prepare_product(
            product,
            orchestrator=on,
            out=out,
            on_notice=notice,
            keeps_entry_point=True,
            allows_missing=allow_missing,
        )
    place = place_of_product(compiled.inputs) if publish else None
    artifacts = compiled.write()
    published = publish_to(place, compiled) if place else []
    counts: dict[str, int] = {}
    for node in artifacts.nodes:
        counts[node.resource_type] = counts.get(node.resource_type, 0) + 1
    if as_json:
        print_json(
            {
                "status": "success",
                "product": artifacts.product.name,
                "orchestrator": artifacts.orchestrator.name,
                "folder": str(compiled.destination),
                "files": list(compiled.files),
                "published": published,
                "nodes": counts,
                "jobs": [job.name for job in artifacts.jobs],
            }
        )
        return
    summary = ", ".join(
        f"{count} {kind}{'s'[: count != 1]}" for kind, count in sorted(counts.items())
    )
    console = stdout()
    name = artifacts.product.name
    console.print(f"compiled [bold]{name}[/] for [bold]{artifacts.orchestrator.name}[/]: {summary}")
    for file in compiled.files:
        where = f"  {compiled.destination / file}"
        console.print(where, style="dim", soft_wrap=True, markup=False)
    for file in published:
        console.print(f"published {file}", soft_wrap=True, markup=False)
