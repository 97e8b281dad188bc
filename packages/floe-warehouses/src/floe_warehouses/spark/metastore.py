"""The metastore of Spark sessions, if it is a folder: an embedded Derby database.

Without other settings, Spark looks for it in the folder where a session starts.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from floe_core.warehouse.duckdb_file import render

_URL = "javax.jdo.option.ConnectionURL"
_TABLES = ("spark-warehouse", "derby.log")
# A Derby server has `jdbc:derby://`, a database in memory `jdbc:derby:memory:`.
_DERBY = re.compile(
    r"jdbc:derby:(?!//|memory:)(?:directory:)?(?P<name>[^;]*)"
    r"(?:;(?:databaseName=(?P<attribute>[^;]*)|[^;]*))*"
)


def metastore_folder(profile: dict[str, Any], project_dir: Path) -> Path | None:
    """Return the folder, beside the product or where the profile places it.

    None if the profile has no sessions, or a metastore that allows many writers.
    """
    if profile.get("method") != "session":
        return None
    settings = _settings_of(profile)
    own = {name: value for name, value in settings.items() if _is_of_metastore(name)}
    if not own:
        return project_dir / "metastore_db"
    urls = [str(url) for name, url in own.items() if name.endswith(_URL)]
    folders = (_derby_folder(render(url, project_dir)) for url in urls)
    return next((project_dir / folder for folder in folders if folder), None)


def session_files(profile: dict[str, Any], project_dir: Path) -> list[Path]:
    """Return the metastore and the folders of tables that sessions leave in a product's folder."""
    if profile.get("method") != "session":
        return []
    metastore = metastore_folder(profile, project_dir)
    tables = [project_dir / name for name in _TABLES]
    return [metastore, *tables] if metastore else tables


def with_metastore(profile: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the profile with the place of the metastore, so that any folder's sessions use it."""
    if profile.get("method") != "session":
        return profile
    settings = _settings_of(profile)
    names = [name for name in settings if name.endswith(_URL)] or [f"spark.hadoop.{_URL}"]
    url = f"jdbc:derby:;databaseName={folder};create=true"
    settings |= dict.fromkeys(names, url)
    return {**profile, "server_side_parameters": settings}


def _settings_of(profile: dict[str, Any]) -> dict[str, Any]:
    return dict(profile.get("server_side_parameters") or {})


def _is_of_metastore(name: str) -> bool:
    return "metastore" in name or "javax.jdo" in name


def _derby_folder(url: str) -> str:
    """Return the folder of an embedded Derby database, "" for any other database.

    >>> _derby_folder("jdbc:derby:;databaseName=/data/metastore;create=true")
    '/data/metastore'
    """
    found = _DERBY.fullmatch(url)
    return (found["name"] or found["attribute"] or "") if found else ""
