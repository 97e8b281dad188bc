"""The dbt project of a product on this machine: its name, profile, target and packages."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

PROJECT_FILE = "dbt_project.yml"
_PACKAGES = ("packages.yml", "dependencies.yml")
_LOCK = "package-lock.yml"
_ONE_VERSION = re.compile(r"=?=?v?\d+\.\d+\.\d+\S*")
# They require no other package, in any of their versions.
_ALONE = frozenset({"dbt-labs/dbt_utils"})


@dataclass(frozen=True)
class DbtProject:
    """A folder with a dbt_project.yml; "" for a profile or target that it does not tell.

    `pins_packages`: `dbt deps` installs the same packages each time.
    """

    folder: Path
    name: str
    profile: str
    target: str
    has_packages: bool
    pins_packages: bool = False


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
    target = target_in(folder, profile)
    packages = [
        each for name in _PACKAGES for each in _mapping(folder / name).get("packages") or ()
    ]
    pins = (folder / _LOCK).is_file() or all(map(_is_pinned, packages))
    name = str(document.get("name") or folder.name)
    return DbtProject(folder, name, profile, target, bool(packages), pins)


def target_in(folder: Path, profile: str) -> str:
    """Return the target that profiles.yml in a folder names for a profile, "" if it names none."""
    found = _mapping(folder / "profiles.yml").get(profile)
    return str(found.get("target") or "") if isinstance(found, dict) else ""


def folder_beside(folder: Path, there: str, project: str) -> Path | None:
    """Return a folder of the source on this machine, None if it can't be told.

    `folder` is where the project is here, `project` its path in the source.
    """
    if not there or _root(there) != _root(project):
        return None
    return folder / posixpath.relpath(there, project)


def _root(path: str) -> str:
    """Return what a path begins with: `/`, a variable, or nothing.

    >>> _root("/dbt/shop"), _root("${HOME}/dbt"), _root("dbt")
    ('/', '${HOME}', '')
    """
    return "/" if path.startswith("/") else path[: path.rfind("}") + 1]


def _is_pinned(package: Any) -> bool:
    """Return whether an entry of packages.yml is one package in one version, and no other."""
    if not isinstance(package, dict) or package.get("package") not in _ALONE:
        return False
    version = package.get("version")
    listed = version if isinstance(version, list) else [version]
    return len(listed) == 1 and bool(_ONE_VERSION.fullmatch(str(listed[0])))


def _mapping(file: Path) -> dict[str, Any]:
    try:
        found = YAML(typ="safe", pure=True).load(StringIO(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, YAMLError):
        return {}
    return found if isinstance(found, dict) else {}
