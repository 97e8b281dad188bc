"""The dbt project of a product on this machine: its name, profile, target and packages."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from floe_core.foundation.errors import EnvironmentProblemError, InvalidProductError
from floe_core.user_yaml.dbt_yaml import read_dbt_document

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


def find_project(text: str, given: list[Path], *, is_only: bool = True) -> DbtProject | None:
    """Return the project at a path of the source, or the given folder for it; None for neither.

    Of several given folders, or for one of several projects, the one is meant whose name is the
    path's last part.
    """
    named = [folder for folder in given if folder.resolve().name == last_part(text)]
    candidates = given if len(given) == 1 and is_only else named
    if "$" not in text and text.startswith("/"):
        candidates = [*candidates, Path(text)]
    return next(
        (read_project(folder) for folder in candidates if (folder / PROJECT_FILE).is_file()), None
    )


def last_part(path: str) -> str:
    """Return the name of a folder."""
    return path.rstrip("/").rpartition("/")[2]


def read_project(folder: Path) -> DbtProject:
    """Return what a folder's files tell about its project."""
    document = _mapping(folder / PROJECT_FILE)
    profile = str(document.get("profile") or "")
    target = target_in(folder, profile)
    listed = [_mapping(folder / name).get("packages") for name in _PACKAGES]
    packages = [each for found in listed if isinstance(found, list) for each in found]
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
        return read_dbt_document(file, str(file)).data
    except (InvalidProductError, EnvironmentProblemError):
        return {}
