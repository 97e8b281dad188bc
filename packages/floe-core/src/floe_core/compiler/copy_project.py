"""Make a compiled folder for an image: a complete copy of the dbt project."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from floe_core.compiler.inputs import DBT_PROJECT_FILE, Inputs
from floe_core.compiler.profile import PROFILES_FILE
from floe_core.foundation.errors import EnvironmentProblemError, UsageError
from floe_core.schedules.schedule_store import CLAIMS, SCHEDULES
from floe_core.schemas.compiled_artifacts import ARTIFACTS_FILE
from floe_core.storage.files import missing_folders, remove_empty

# Names that tools create in a project's folder, and dbt in a package's; in deeper folders, such a
# name belongs to the project.
LEFT_AT_TOP = frozenset(
    {"target", "logs", ".idea", ".vscode", ".user.yml"}
    | {f"{name}.json{lock}" for name in (SCHEDULES, CLAIMS) for lock in ("", ".lock")}
)
LEFT_ANYWHERE = frozenset({".git", ".floe", "__pycache__"})
# Files in an environment of Python's, and in the folder of dbt's artifacts of runs.
_MARKS = ("pyvenv.cfg", "floe-runs.json")
_PATH_KEYS = (
    "model-paths",
    "seed-paths",
    "test-paths",
    "analysis-paths",
    "macro-paths",
    "snapshot-paths",
    "docs-paths",
    "function-paths",
)
_PACKAGE_FILES = ("packages.yml", "dependencies.yml", "package-lock.yml")


def copy_project(
    inputs: Inputs, out: Path, generated: frozenset[str], warehouses: Collection[Path]
) -> None:
    """Copy the product's files into `out`, which may hold an earlier copy.

    Files that runs left there stay: its .floe folder and its warehouse. `warehouses` are the files
    of `Dialect.files_of_tables`; they are not copied. Paths of the dbt project and local packages
    that lie outside the product's folder are copied to `external/`, and the files that name them
    are changed accordingly.

    Raises:
        UsageError: `out` lies inside the product, or holds something else.
        EnvironmentProblemError: It cannot be written.
    """
    _check_out(inputs.product_dir, out)
    copier = _Copier(inputs, out, warehouses)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for source in sorted(inputs.product_dir.iterdir()):
            if source.name != PROFILES_FILE and source.name not in generated:
                copier.replace(source, out / source.name)
        _bring_what_is_outside(inputs, out, copier)
    except OSError as error:
        raise EnvironmentProblemError(
            f"{error.filename or out}: cannot be written: {error.strerror}"
        ) from error


@contextmanager
def removed_on_failure(out: Path) -> Iterator[None]:
    """Remove what the block wrote to a folder that was new or empty, if the block fails."""
    missing = missing_folders(out)
    is_empty = bool(missing) or (out.is_dir() and not any(out.iterdir()))
    try:
        yield
    except BaseException:
        for each in [*out.iterdir()] if is_empty and out.is_dir() else ():
            shutil.rmtree(each) if each.is_dir() else each.unlink()
        remove_empty(missing)
        raise


class _Copier:
    """Copies trees, following links but not cycles, without files that belong to one folder."""

    def __init__(self, inputs: Inputs, out: Path, warehouses: Collection[Path]) -> None:
        root = self._root = inputs.product_dir.resolve()
        self._out = out.resolve()
        self._work = work_folders(root, inputs.dbt_document.data)
        self._tops = {root}
        packages = root / inputs.packages_path
        if packages.is_dir():
            self._tops |= {each.resolve() for each in packages.iterdir() if each.is_dir()}
        self._warehouse = {
            Path(f"{file}{suffix}").resolve() for file in warehouses for suffix in ("", ".wal")
        }

    def replace(self, source: Path, target: Path) -> None:
        """Copy a file or folder, replacing an older copy."""
        if self._is_left_behind(source):
            return
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        self._copy(source, target, frozenset({self._root, source.parent.resolve()}))

    def _copy(self, source: Path, target: Path, above: frozenset[Path]) -> None:
        real = source.resolve()
        # A package that dbt links to may contain the product, or the copy.
        if real in above or real == self._out or self._is_left_behind(source):
            return
        if source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            for each in sorted(source.iterdir()):
                self._copy(each, target / each.name, above | {real})
        elif source.is_file():
            shutil.copyfile(source, target)

    def _is_left_behind(self, source: Path) -> bool:
        name = source.name
        is_at_top = source.parent.resolve() in self._tops
        return (
            name in LEFT_ANYWHERE
            or (is_at_top and name in LEFT_AT_TOP)
            or source.resolve() in self._work
            or name.endswith(".pyc")
            or source.resolve() in self._warehouse
            or is_written_by_tools(source)
        )


def _check_out(product_dir: Path, out: Path) -> None:
    if out.resolve() in product_dir.resolve().parents or product_dir.resolve() in (
        out.resolve(),
        *out.resolve().parents,
    ):
        raise UsageError(f"--out {out}: choose a folder outside the product's own")
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out}: is not a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / ARTIFACTS_FILE).exists():
        raise UsageError(f"--out {out}: holds other files; choose an empty or new folder")


def _bring_what_is_outside(inputs: Inputs, out: Path, copier: _Copier) -> None:
    """Copy paths and local packages from outside the product to `external`, and name them there."""
    places: dict[Path, str] = {}

    def bring(source: Path) -> str:
        if source not in places:
            places[source] = f"external/{len(places)}-{source.name}"
            copier.replace(source, out / places[source])
        return places[source]

    def name_paths(project: Any) -> bool:
        moved = sorted(external_paths(inputs))
        for given, source in moved:
            for key in _PATH_KEYS:
                if given in (project.get(key) or []):
                    project[key][project[key].index(given)] = bring(source)
        return bool(moved)

    def name_packages(found: Any) -> bool:
        moved = list(_outer_packages(found, inputs.product_dir.resolve()))
        for package, source in moved:
            package["local"] = bring(source)
        return bool(moved)

    _rewrite(out / DBT_PROJECT_FILE, name_paths)
    for name in _PACKAGE_FILES:
        _rewrite(out / name, name_packages)


def _rewrite(path: Path, change: Callable[[Any], bool]) -> None:
    """Change what a YAML file says, keeping its comments, if there is something to change."""
    if not path.is_file():
        return
    yaml = YAML()
    found = yaml.load(path.read_text(encoding="utf-8"))
    if change(found):
        text = io.StringIO()
        yaml.dump(found, text)
        path.write_text(text.getvalue(), encoding="utf-8")


def _outer_packages(found: Any, root: Path) -> Iterator[tuple[Any, Path]]:
    """Yield the packages of a file that are folders outside the product, and these folders.

    dbt 2 looks for them whenever it runs, dbt 1 only when it installs packages.
    """
    packages = found.get("packages") if isinstance(found, dict) else None
    for package in packages or []:
        source = (root / str(package.get("local") or ".")).resolve()
        if _is_outside(source, root):
            yield package, source


def external_paths(inputs: Inputs) -> Iterator[tuple[str, Path]]:
    """Yield the paths that lead out of the product's folder, as given and resolved."""
    root = inputs.product_dir.resolve()
    for key in _PATH_KEYS:
        for given in inputs.dbt_document.data.get(key) or []:
            source = (root / str(given)).resolve()
            if _is_outside(source, root):
                yield str(given), source


def _is_outside(source: Path, root: Path) -> bool:
    return source.is_dir() and not source.is_relative_to(root)


def work_folders(folder: Path, project: Mapping[str, Any]) -> frozenset[Path]:
    """Return the folders below a project's that it names for what dbt writes."""
    given = (str(project.get(key) or "") for key in ("target-path", "log-path"))
    return frozenset(folder / each for each in given) - {folder}


def is_written_by_tools(folder: Path) -> bool:
    """Return whether a folder has no sources of a product, wherever it is."""
    return any((folder / mark).is_file() for mark in _MARKS)
