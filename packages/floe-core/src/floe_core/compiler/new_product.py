"""The files that turn a folder into a product: with a new dbt project or an existing one."""

from __future__ import annotations

import re
from pathlib import Path

from floe_core.compiler.inputs import DBT_PROJECT_FILE, profile_name_of, read_dbt_project
from floe_core.compiler.literal_secrets import literal_secrets
from floe_core.compiler.profile import choose_output, find_profiles
from floe_core.foundation.errors import InvalidProductError
from floe_core.schemas.yaml_schemas import schema_file, schema_line, schema_text

FLOE_YAML = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {{name: {name}, version: 0.1.0, owner: data@example.com}}
platform: {{manifest: {manifest}}}
"""
SCHEDULE = 'schedule: {{cron: "{cron}", timezone: UTC}}\n'
MANIFEST_YAML = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {{name: my-platform, version: 0.1.0, owner: platform@example.com}}
plugins:
  orchestrator: {{type: {orchestrator}}}
"""
COMPUTE = '  compute: {type: duckdb, config: {path: "{product_slug}.duckdb"}}\n'
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


def new_product_files(
    folder: Path, orchestrator: str, cron: str | None, *, brings_warehouse: bool
) -> dict[str, str]:
    """Return the files that a product in this folder lacks: path -> text.

    `brings_warehouse` applies to a new project; an existing one uses its own profile.
    """
    name = _product_name(folder)
    platform = find_manifest(folder)
    files = {}
    if not (folder / DBT_PROJECT_FILE).exists():
        files[DBT_PROJECT_FILE] = DBT_PROJECT_YML.format(slug=name.replace("-", "_"))
        files["models/first_model.sql"] = FIRST_MODEL
        files["models/schema.yml"] = FIRST_TESTS
    if not platform:
        manifest = MANIFEST_YAML.format(orchestrator=orchestrator)
        text = schema_line("manifest") + manifest + (COMPUTE if brings_warehouse else "")
        files |= {"manifest.yaml": text, schema_file("manifest"): schema_text("manifest")}
    floe = FLOE_YAML.format(name=name, manifest=platform or "manifest.yaml")
    text = schema_line("floe") + floe + (SCHEDULE.format(cron=cron) if cron else "")
    files |= {"floe.yaml": text, schema_file("floe"): schema_text("floe")}
    return {place: text for place, text in files.items() if not (folder / place).exists()}


def find_manifest(folder: Path) -> str:
    """Return the path of the manifest that a product in this folder would use, "" for none."""
    return next((p for p in ("manifest.yaml", "../manifest.yaml") if (folder / p).exists()), "")


def warehouse_of_project(folder: Path) -> str:
    """Return a sentence about what an existing project runs on, or what it lacks to run."""
    document = read_dbt_project(folder)
    profile = profile_name_of(document)
    try:
        own = find_profiles(folder)
        target, output = choose_output(own, profile, DBT_PROJECT_FILE)
    except InvalidProductError as error:
        return f"before it runs: {error.problems[0].what}; {error.problems[0].fix}".rstrip("; ")
    assert own is not None
    at = (profile, "outputs", target)
    threads = output.get("threads", 1)
    secrets = [
        f"{each.file}:{each.line}: {each.what}; {each.fix}" for _, each in literal_secrets(own, at)
    ]
    runs = f"runs with profile {profile}, target {target}: {output['type']}, {threads} threads"
    return "\n".join([*(f"before it runs: {each}" for each in secrets), runs])


def _product_name(folder: Path) -> str:
    """Return the product name from the dbt project's name, or the folder's without a project."""
    is_there = (folder / DBT_PROJECT_FILE).exists()
    found = str(read_dbt_project(folder).data["name"]) if is_there else folder.resolve().name
    name = re.sub(r"[^a-z0-9-]+", "-", found.lower()).strip("-")[:63].rstrip("-")
    return name if name[:1].isalpha() else f"product-{name}".strip("-")[:63]
