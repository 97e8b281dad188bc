"""`floe schema`: the JSON schemas of floe.yaml and manifest.yaml."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from floe_core.cli.console import stdout


class File(StrEnum):
    """The files that have a schema."""

    FLOE = "floe"
    MANIFEST = "manifest"


def schema(
    file: Annotated[File, typer.Argument(help="The file: floe or manifest.")] = File.FLOE,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write both schemas into this folder instead."),
    ] = None,
) -> None:
    """Print the JSON schema of floe.yaml or of manifest.yaml, with a description of each key.

    Editors use it for completion and checks: `floe init` writes both files, and the comment at the
    top of floe.yaml and manifest.yaml that names them.
    """
    from floe_core.schemas.yaml_schemas import MODELS, schema_file, schema_text
    from floe_core.storage.files import write_together

    if out is None:
        typer.echo(schema_text(file.value), nl=False)
        return
    write_together(out, {schema_file(name): schema_text(name).encode() for name in MODELS})
    for name in MODELS:
        stdout().print(f"wrote {out / schema_file(name)}", soft_wrap=True, markup=False)
