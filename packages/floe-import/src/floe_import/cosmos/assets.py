"""What waits for the assets that the tasks of Cosmos update."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from floe_import.report.findings import Place, Verdict, changed, exact

# Airflow's, of all versions, and Cosmos's own function.
_USE = re.compile(r"\b(?:Dataset|Asset)(?:Alias|All|Any)?\(|\bget_dbt_dataset\b")
_MOST_FILES = 5000
_LIBRARIES = ("site-packages", "node_modules", "dbt_packages", "venv")


def asset_user(dag_file: Path) -> Place | None:
    """Return the first place in the folder of DAGs that names an asset, None if none does.

    The folder is the one named `dags` around a DAG file, else the one that it is in.
    """
    parents = list(dag_file.absolute().parents)
    folder = next((each for each in parents if each.name == "dags"), parents[0])
    for file in islice(_files(folder), _MOST_FILES):
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        for number, line in enumerate(lines, 1):
            # What a task updates waits for nothing.
            if _USE.search(line) and "outlets" not in line:
                return Place(str(file), number)
    return None


def _files(folder: Path) -> Iterator[Path]:
    """Yield the Python files in a folder, without those of libraries."""
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(
            each for each in folders if each not in _LIBRARIES and each[0] not in "._"
        )
        yield from (Path(root, each) for each in sorted(files) if each.endswith(".py"))


def judge_assets(emits: bool, user: Place | None) -> Verdict:
    """Return the verdict about the assets of a group; `user` is a place that names an asset."""
    if user is None:
        said = "no file beside this one names an asset"
        if emits:
            return exact(f"{said}; floe's are floe://<product>/<node>, for DAGs elsewhere")
        return exact(f"{said}, so nothing waits for those that floe's build updates")
    if not emits:
        return changed("floe's build always updates the assets floe://<product>/<node>")
    return changed(
        f"the assets are floe://<product>/<node>: if {user} waits for one of Cosmos's, give it "
        "`floe_asset(product, node)` instead"
    )
