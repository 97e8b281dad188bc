"""The arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Product = Annotated[
    Path, typer.Argument(help="The folder with floe.yaml.", show_default="the current folder")
]
On = Annotated[
    str | None, typer.Option("--on", metavar="NAME", help="An orchestrator, not the manifest's.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, for a program to read.")]
