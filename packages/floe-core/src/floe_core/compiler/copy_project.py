"""Make a compiled folder that an image can carry: a copy of the dbt project, whole."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

from ruamel.yaml import YAML

from floe_core.compiler.inputs import DBT_PROJECT_FILE, Inputs
from floe_core.compiler.profile import PROFILES_FILE
from floe_core.errors import EnvironmentProblemError, UsageError
from floe_core.schedules.schedule_store import STORE_FILE
from floe_core.schemas.compiled_artifacts import ARTIFACTS_FILE

_LEFT_BEHIND = frozenset(
    {
        STORE_FILE,
        f".{STORE_FILE}.lock",
        ".git",
        ".floe",
        ".venv",
        "venv",
        "target",
        "logs",
        "__pycache__",
        ".idea",
        ".vscode",
    }
)
_LEFT_BEHIND_SUFFIXES = (".duckdb", ".duckdb.wal", ".duckdb.lock", ".pyc")
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


def copy_project(inputs: Inputs, out: Path, generated: frozenset[str]) -> None:
    """Copy the product's files into `out`, which may hold an earlier copy.

    What runs left there stays: its .floe folder and its warehouse. Paths of the dbt project that
    lie outside the product's folder are copied to `external/` and named so in dbt_project.yml.

    Raises:
        UsageError: `out` lies inside the product, or holds something else.
        EnvironmentProblemError: It cannot be written.
    """
    _check_out(inputs.product_dir, out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for source in sorted(inputs.product_dir.iterdir()):
            if source.name != PROFILES_FILE and source.name not in generated:
                _replace(source, out / source.name)
        _bring_external_paths(inputs, out)
    except OSError as error:
        raise EnvironmentProblemError(
            f"{error.filename or out}: cannot be written: {error.strerror}"
        ) from error


def _check_out(product_dir: Path, out: Path) -> None:
    if out.resolve() in product_dir.resolve().parents or product_dir.resolve() in (
        out.resolve(),
        *out.resolve().parents,
    ):
        raise UsageError(f"--out {out}: choose a folder outside the product's own")
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out}: is no folder")
    if out.is_dir() and any(out.iterdir()) and not (out / ARTIFACTS_FILE).exists():
        raise UsageError(f"--out {out}: holds other files; choose an empty or new folder")


def _replace(source: Path, target: Path) -> None:
    """Put a copy of a file or folder where an older copy may be."""
    if _is_left_behind(source.name):
        return
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    if source.is_dir():
        shutil.copytree(source, target, ignore=lambda _, names: filter(_is_left_behind, names))
    else:
        shutil.copyfile(source, target)


def _is_left_behind(name: str) -> bool:
    return name in _LEFT_BEHIND or name.endswith(_LEFT_BEHIND_SUFFIXES)


def _bring_external_paths(inputs: Inputs, out: Path) -> None:
    moved = dict(_external_paths(inputs))
    if not moved:
        return
    yaml = YAML()
    project = yaml.load((out / DBT_PROJECT_FILE).read_text(encoding="utf-8"))
    for number, (given, source) in enumerate(sorted(moved.items())):
        place = f"external/{number}-{source.name}"
        _replace(source, out / place)
        for key in _PATH_KEYS:
            if given in (project.get(key) or []):
                project[key][project[key].index(given)] = place
    text = io.StringIO()
    yaml.dump(project, text)
    (out / DBT_PROJECT_FILE).write_text(text.getvalue(), encoding="utf-8")


def _external_paths(inputs: Inputs) -> Iterator[tuple[str, Path]]:
    """Yield the paths that leave the product's folder, as given and where they lead."""
    root = inputs.product_dir.resolve()
    for key in _PATH_KEYS:
        for given in inputs.dbt_document.data.get(key) or []:
            source = (root / str(given)).resolve()
            if source.is_dir() and root not in (source, *source.parents):
                yield str(given), source
