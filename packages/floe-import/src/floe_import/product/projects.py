"""The dbt project of a product on this machine: its name, profile, target and packages."""

from __future__ import annotations

from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

PROJECT_FILE = "dbt_project.yml"
_PACKAGES = ("packages.yml", "dependencies.yml")


@dataclass(frozen=True)
class DbtProject:
    """A folder with a dbt_project.yml; "" for a profile or target that it does not tell."""

    folder: Path
    name: str
    profile: str
    target: str
    has_packages: bool


def find_project(text: str, given: list[Path]) -> DbtProject | None:
    """Return the project at a path of the source, or the given folder for it; None for neither.

    Of several given folders, the one whose name is the path's last part is meant.
    """
    last = text.rstrip("/").rpartition("/")[2]
    named = [folder for folder in given if folder.resolve().name == last]
    candidates = given if len(given) == 1 else named
    if "$" not in text and text.startswith("/"):
        candidates = [*candidates, Path(text)]
    return next(
        (read_project(folder) for folder in candidates if (folder / PROJECT_FILE).is_file()), None
    )


def read_project(folder: Path) -> DbtProject:
    """Return what a folder's files tell about its project."""
    document = _mapping(folder / PROJECT_FILE)
    profile = str(document.get("profile") or "")
    profiles = _mapping(folder / "profiles.yml")
    own = profiles.get(profile)
    target = str(own.get("target") or "") if isinstance(own, dict) else ""
    has_packages = any(_mapping(folder / name).get("packages") for name in _PACKAGES)
    return DbtProject(
        folder, str(document.get("name") or folder.name), profile, target, has_packages
    )


def _mapping(file: Path) -> dict[str, Any]:
    try:
        found = YAML(typ="safe", pure=True).load(StringIO(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, YAMLError):
        return {}
    return found if isinstance(found, dict) else {}
