"""`floe helm`: write the values of an orchestrator's chart, and render the chart with them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from floe_core.cli.options import Env, On, Product

app = typer.Typer(
    name="helm",
    help="Write values for the orchestrator's Helm chart, or render the chart with them.",
    no_args_is_help=True,
    add_completion=False,
)

Size = Annotated[str | None, typer.Option("--size", metavar="S", help="small, medium or large.")]
Others = Annotated[
    list[str] | None,
    typer.Option(
        "--product",
        metavar="P",
        help="Another product: its folder, or NAME=IMAGE. Can be repeated.",
    ),
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write to this file instead of stdout.")
]


@app.command()
def values(
    product: Product = Path(),
    on: On = None,
    env: Env = None,
    size: Size = None,
    others: Others = None,
    out: Out = None,
) -> None:
    """Write the values of the chart as YAML, each key with a comment.

    Size, products, images, lineage and resources follow the product's manifest. With --on and no
    product in the folder, writes the plugin's default values.
    """
    from floe_kubernetes.helm.release import HelmRelease

    _write(HelmRelease.of(product, on, size, others or []).values_text(), out)


@app.command()
def template(
    product: Product = Path(),
    on: On = None,
    env: Env = None,
    size: Size = None,
    others: Others = None,
    out: Out = None,
    release: Annotated[str, typer.Option(help="The name of the release.")] = "floe",
    namespace: Annotated[str, typer.Option(help="The namespace of the release.")] = "default",
) -> None:
    """Render the plugin's chart with these values, using the installed Helm."""
    from floe_kubernetes.helm import engine
    from floe_kubernetes.helm.release import HelmRelease

    found = HelmRelease.of(product, on, size, others or [])
    rendered = engine.template(found.chart(), found.values_text(), release, namespace)
    _write(rendered, out)


def _write(text: str, out: Path | None) -> None:
    from floe_core.storage.files import write_together

    if out is None:
        typer.echo(text, nl=False)
    else:
        write_together(out.absolute().parent, {out.name: text.encode()})
