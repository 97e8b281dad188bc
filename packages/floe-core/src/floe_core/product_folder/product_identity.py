"""Which product is in a folder, whatever the folder is called."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from floe_core.foundation.errors import FloeError

_ARTIFACTS, _FLOE, _DBT_PROJECT = "compiled_artifacts.json", "floe.yaml", "dbt_project.yml"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class ProductIdentity:
    """A product's name, and the name of its dbt project, "" if that is not known."""

    name: str
    dbt_project: str


def identity_of(folder: Path) -> ProductIdentity | None:
    """Return the product in a folder: from its artifacts, or from floe.yaml before a compile.

    None if neither names one.
    """
    folder = folder.absolute()
    for read, file in ((_read_compiled, _ARTIFACTS), (_read_written, _FLOE)):
        try:
            at = (folder / file).stat()
        except OSError:
            continue
        found = read(folder, at.st_mtime_ns, at.st_size)
        if found is not None and _NAME.fullmatch(found.name):
            return found
    return None


@lru_cache(maxsize=64)
def _read_compiled(folder: Path, modified: int, size: int) -> ProductIdentity | None:
    """Return the identity in the artifacts; the last two arguments are those of the file read."""
    try:
        fields = json.loads((folder / _ARTIFACTS).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return _identity(_member(fields, "product", "name"), _member(fields, "dbt", "project_name"))


@lru_cache(maxsize=64)
def _read_written(folder: Path, modified: int, size: int) -> ProductIdentity | None:
    """Return the identity in the user's files; the last two arguments are those of floe.yaml."""
    from floe_core.user_yaml.dbt_yaml import read_dbt_document
    from floe_core.user_yaml.source_map import read_document

    try:
        spec = read_document(folder / _FLOE, _FLOE).data
        project = read_dbt_document(folder / _DBT_PROJECT, _DBT_PROJECT).data
    except (FloeError, OSError):
        return None
    return _identity(_member(spec, "metadata", "name"), _member(project, "name"))


def _identity(name: Any, dbt_project: Any) -> ProductIdentity | None:
    project = dbt_project if isinstance(dbt_project, str) else ""
    return ProductIdentity(name, project) if isinstance(name, str) else None


def _member(fields: Any, *keys: str) -> Any:
    for key in keys:
        fields = fields.get(key) if isinstance(fields, dict) else None
    return fields
