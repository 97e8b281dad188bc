"""Compute the version of a seed: of its rows, and of each of its columns."""

from __future__ import annotations

import csv
from pathlib import Path

from floe_core.reuse.catalogs.known import catalog_of
from floe_core.reuse.queries.parts import digest
from floe_core.reuse.state import Versions
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.sql.names import Names
from floe_core.storage.files import file_in


def seed_versions(artifacts: CompiledArtifacts, node: Node) -> Versions | None:
    """Return the current version of a seed's file, None if it cannot be read.

    If the file is a plain CSV, each column has its own version; rows are identified by position.
    """
    path = file_in(artifacts.folder, artifacts.dbt.package_folder(node.package), node.path)
    if path is None:
        return None
    try:
        content = path.read_bytes()
    except OSError:
        return None
    whole = digest(content.hex(), node.reuse.build)
    columns = _columns(path, catalog_of(artifacts.dbt.adapter).names)
    if columns is None:
        return Versions(whole)
    count = len(next(iter(columns.values()), [])) - 1
    rows = digest(count, node.reuse.build)
    return Versions(rows, {name: digest(rows, values) for name, values in columns.items()})


def _columns(path: Path, how: Names) -> dict[str, list[str]] | None:
    """Return column -> its name as written, and its values row by row; None if not a plain CSV."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = [row for row in csv.reader(file) if row]
    except (OSError, ValueError, csv.Error):
        return None
    names = [how.of_seed(name) for name in header]
    is_plain = len({*names}) == len(names) and all(name.isidentifier() for name in names)
    if not (is_plain and all(len(row) == len(names) for row in rows)):
        return None
    return {name: [row[place] for row in (header, *rows)] for place, name in enumerate(names)}
