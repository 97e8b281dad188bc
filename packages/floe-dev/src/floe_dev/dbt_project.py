"""What dbt_project.yml says, read again only after it has changed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from floe_core.foundation.errors import FloeError
from floe_core.user_yaml.dbt_yaml import read_dbt_document

FILE = "dbt_project.yml"


def read_dbt_project(folder: Path) -> Mapping[str, Any] | None:
    """Return the keys of a product's dbt_project.yml, None if it can't be read."""
    try:
        at = (folder / FILE).stat()
        return _read(folder, at.st_mtime_ns, at.st_ctime_ns, at.st_size)
    except (FloeError, OSError):
        return None


@lru_cache(maxsize=32)
def _read(folder: Path, *state: int) -> Mapping[str, Any] | None:
    found = read_dbt_document(folder / FILE, FILE).data
    return found if isinstance(found, dict) else None
