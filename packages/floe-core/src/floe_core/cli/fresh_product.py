"""The artifacts of a product, from its compiled folder where that is up to date."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from floe_core.cli.console import notice
from floe_core.cli.progress import show_stages

if TYPE_CHECKING:
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts

# What runs and tools leave in a product's folder.
_LEFT_THERE = frozenset({".git", ".floe", ".venv", "venv", "target", "logs", "__pycache__"})
_WRITTEN_BY_RUNS = (".duckdb", ".wal", ".lock", "schedules.json")
# Nanoseconds: compile itself changes the folder as it puts the artifacts into it.
_OF_ONE_WRITE = 100_000_000
_CHOOSING = ("DBT_PROFILES_DIR", "DBT_PROFILE", "DBT_TARGET")


def read_or_compile(product: Path, on: str | None, *, refuses_losses: bool) -> CompiledArtifacts:
    """Return a product's artifacts without writing anything.

    They are read from the compiled folder if no file of the product has changed since, and dbt
    parses the project otherwise. See `prepare_product`.
    """
    from floe_core.compiler.compile_product import prepare_product

    found = _fresh_artifacts(product.absolute(), on)
    if found is not None:
        return found
    with show_stages() as on_stage:
        return prepare_product(
            product,
            orchestrator=on,
            on_notice=notice,
            refuses_losses=refuses_losses,
            on_stage=on_stage,
        ).artifacts


def _fresh_artifacts(folder: Path, on: str | None) -> CompiledArtifacts | None:
    from floe_core.errors import FloeError
    from floe_core.execution.parse_environment import changed_in_file
    from floe_core.execution.preloaded_manifest import PARSED_FILE
    from floe_core.schemas.compiled_artifacts import ARTIFACTS_FILE, CompiledArtifacts

    compiled = folder / ARTIFACTS_FILE
    kept = folder / PARSED_FILE
    if not (compiled.is_file() and kept.is_file()) or any(map(os.environ.get, _CHOOSING)):
        return None
    # Unlike the time of modification, this one cannot be set back by a copy or an archive.
    moment = compiled.stat().st_ctime_ns
    is_touched = folder.stat().st_ctime_ns > moment + _OF_ONE_WRITE
    if is_touched or any(path.stat().st_ctime_ns > moment for path in _inputs(folder)):
        return None
    try:
        artifacts = CompiledArtifacts.load(folder)
    except FloeError:
        return None
    is_chosen = on in (None, artifacts.orchestrator.name)
    return artifacts if is_chosen and not changed_in_file(kept) else None


def _inputs(folder: Path) -> Iterator[Path]:
    """Yield the product's files and folders, and the manifests that it may name."""
    for name in ("manifest.yaml", "../manifest.yaml"):
        if (folder / name).is_file():
            yield folder / name
    for place, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if name not in _LEFT_THERE]
        for name in (*folders, *files):
            if not name.endswith(_WRITTEN_BY_RUNS):
                yield Path(place, name)
