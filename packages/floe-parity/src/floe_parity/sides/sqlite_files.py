"""Files of a side's own in SQLite, where a schema is an attached file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from floe_core.compiler.compile_product import CompiledProduct
from floe_core.compiler.profile import Profile
from floe_core.foundation.errors import InvalidProductError, Problem
from floe_core.schemas.compiled_artifacts import DBT_MANIFEST_FILE
from floe_core.warehouse.duckdb_file import render
from floe_parity.sides.scratch import written_nodes

FOLDER = "parity-sqlite"
_MAIN = "main"


def in_own_files(profile: Profile, folder: Path) -> Profile:
    """Return the profile with the target's schemas in files of a folder inside the side's copy.

    Other schemas of `schemas_and_paths` stay where they are, to be read.
    """
    own = folder.absolute() / FOLDER
    paths = dict(profile.output.get("schemas_and_paths") or {})
    schema = str(profile.output.get("schema"))
    moved = {
        name: str(own / f"{name}.sqlite") if _is_own(name, schema) else path
        for name, path in paths.items()
    }
    output = {**profile.output, "schemas_and_paths": moved, "schema_directory": str(own)}
    return replace(profile, output=output)


def refuse_foreign_files(compiled: CompiledProduct) -> None:
    """Refuse a product that would write to an attached file that is not the side's own.

    Raises:
        InvalidProductError: It would: every node.
    """
    paths = compiled.artifacts.dbt.profile["schemas_and_paths"]
    own = compiled.destination.absolute() / FOLDER
    foreign = {
        name
        for name, path in paths.items()
        if not Path(render(str(path), compiled.destination)).is_relative_to(own)
    }
    problems = list(_outside(json.loads(compiled.files[DBT_MANIFEST_FILE]), foreign))
    if problems:
        raise InvalidProductError(problems)


def _outside(manifest: dict[str, Any], foreign: set[str]) -> Iterator[Problem]:
    for node in written_nodes(manifest):
        if node["schema"] in foreign:
            yield Problem(
                f"{node['unique_id']} goes to the schema '{node['schema']}', an attached file, and "
                "parity writes to files of its own only",
                "leave the schema out of schemas_and_paths of a target, and choose it with "
                "DBT_TARGET",
                node["original_file_path"],
            )


def _is_own(name: str, schema: str) -> bool:
    """Return whether dbt makes a schema's name of the target's, as for `+schema` of a model."""
    return name in (_MAIN, schema) or name.startswith(f"{schema}_")
