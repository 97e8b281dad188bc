"""`floe helm`: the values of an orchestrator's chart, and what Helm makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from floe_core.cli.options import On, Product

app = typer.Typer(
    name="helm",
    help="Write the values of the orchestrator's Helm chart, or what Helm renders of them.",
    no_args_is_help=True,
)

Size = Annotated[str | None, typer.Option("--size", metavar="S", help="small, medium or large.")]
Others = Annotated[
    list[str] | None,
    typer.Option(
        "--product",
        metavar="P",
        help="One more product: its folder, or NAME=IMAGE. May be given several times.",
    ),
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write there, not to stdout.")
]


@app.command()
def values(
    product: Product = Path(),
    on: On = None,
    size: Size = None,
    others: Others = None,
    out: Out = None,
) -> None:
    """Write the values of the chart as YAML, each key under what it means.

    Size, products, images, lineage and resources follow the product's manifest. With --on and no
    product here, the plugin's own values are written.
    """
    from floe_core.cli.helm_release import HelmRelease

    _write(HelmRelease.of(product, on, size, others or []).values_text(), out)


@app.command()
def template(
    product: Product = Path(),
    on: On = None,
    size: Size = None,
    others: Others = None,
    out: Out = None,
    release: Annotated[str, typer.Option(help="The name of the release.")] = "floe",
    namespace: Annotated[str, typer.Option(help="The namespace it goes to.")] = "default",
) -> None:
    """Render the plugin's chart with these values, through the Helm that is installed here."""
    from floe_core.cli.helm_release import HelmRelease
    from floe_core.helm import engine

    found = HelmRelease.of(product, on, size, others or [])
    rendered = engine.template(found.chart(), found.values_text(), release, namespace)
    _write(rendered, out)


def _write(text: str, out: Path | None) -> None:
    from floe_core.atomic_files import write_together

    if out is None:
        typer.echo(text, nl=False)
    else:
        write_together(out.absolute().parent, {out.name: text.encode()})
