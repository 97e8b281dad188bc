"""`floe init`: begin a product."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from floe_core.cli.console import stdout

FLOE_YAML = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {{name: {name}, version: 0.1.0, owner: data@example.com}}
platform: {{manifest: {manifest}}}
schedule: {{cron: "0 6 * * *", timezone: UTC}}
"""
MANIFEST_YAML = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {{name: my-platform, version: 0.1.0, owner: platform@example.com}}
plugins:
  orchestrator: {{type: {orchestrator}}}
  compute: {{type: duckdb, config: {{path: "{{product_slug}}.duckdb"}}}}
"""
DBT_PROJECT_YML = """\
name: {slug}
version: 0.1.0
profile: {slug}
"""
FIRST_MODEL = "select 1 as id, 'it works' as message\n"
FIRST_TESTS = """\
models:
  - name: first_model
    description: A table to begin with.
    config: {materialized: table}
    columns:
      - name: id
        data_tests: [unique, not_null]
"""


def init(
    folder: Annotated[Path, typer.Argument(help="The product's folder, made when missing.")],
    orchestrator: Annotated[
        str, typer.Option("--on", metavar="NAME", help="The orchestrator of a new manifest.")
    ] = "dagster",
) -> None:
    """Begin a product in a folder: a dbt project with one model, floe.yaml, manifest.yaml.

    Beside a dbt project that is there already, only floe.yaml and manifest.yaml are added. Nothing
    that exists is written over.
    """
    from floe_core.atomic_files import write_together
    from floe_core.errors import UsageError

    files = _files(folder, orchestrator)
    if "floe.yaml" not in files:
        raise UsageError(f"{folder / 'floe.yaml'} exists already; compile it with `floe compile`")
    write_together(folder, {name: text.encode() for name, text in files.items()})
    console = stdout()
    for name in files:
        console.print(f"wrote {folder / name}", soft_wrap=True)
    console.print(f"next: floe run {folder}", soft_wrap=True)


def _files(folder: Path, orchestrator: str) -> dict[str, str]:
    """Return what is missing of a product in this folder: place -> text."""
    name = re.sub(r"[^a-z0-9-]+", "-", folder.resolve().name.lower()).strip("-")[:63]
    name = name if name[:1].isalpha() else f"product-{name}".strip("-")
    platform = next((p for p in ("manifest.yaml", "../manifest.yaml") if (folder / p).exists()), "")
    files = {}
    if not (folder / "dbt_project.yml").exists():
        files["dbt_project.yml"] = DBT_PROJECT_YML.format(slug=name.replace("-", "_"))
        files["models/first_model.sql"] = FIRST_MODEL
        files["models/schema.yml"] = FIRST_TESTS
    if not platform:
        files["manifest.yaml"] = MANIFEST_YAML.format(orchestrator=orchestrator)
    files["floe.yaml"] = FLOE_YAML.format(name=name, manifest=platform or "manifest.yaml")
    return {place: text for place, text in files.items() if not (folder / place).exists()}
