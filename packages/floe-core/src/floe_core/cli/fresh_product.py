"""Load or compile the product that a command names, and its plugin."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from floe_core.cli.console import notice

if TYPE_CHECKING:
    from floe_core.plugin_interfaces import OrchestratorPlugin
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts

_WRITTEN_BY_RUNS = (".duckdb", ".sqlite", ".parquet", ".wal", ".lock", "schedules.json")
# Nanoseconds. Writing the artifacts into the folder changes the folder itself.
_OF_ONE_WRITE = 100_000_000
_CHOOSING = ("DBT_PROFILES_DIR", "DBT_PROFILE", "DBT_TARGET")


def read_or_compile(product: Path, on: str | None, *, refuses_losses: bool) -> CompiledArtifacts:
    """Return a product's artifacts without writing anything.

    They are read from the compiled folder if no file of the product has changed since it was
    compiled; otherwise dbt parses the project, in a `floe dev` if one is up. See `prepare_product`.
    """
    from floe_core.cli.running_dev import running_dev
    from floe_core.compiler.compile_product import prepare_product
    from floe_core.foundation.errors import InvalidProductError

    found = _fresh_artifacts(product.absolute(), on)
    if found is not None:
        return found
    with running_dev(product, on) as dev:
        if dev is not None:
            # One that would lose something does not compile there.
            with nullcontext() if refuses_losses else suppress(InvalidProductError):
                return dev.compile(None, notice)
        return prepare_product(
            product,
            orchestrator=on,
            on_notice=notice,
            refuses_losses=refuses_losses,
            keeps_entry_point=True,
        ).artifacts.in_chosen_environment()


def _fresh_artifacts(folder: Path, on: str | None) -> CompiledArtifacts | None:
    from floe_core.dbt.preloaded_manifest import PARSED_FILE, find_changes_in_file
    from floe_core.foundation.errors import FloeError, UsageError
    from floe_core.schedules.live_schedules import check_schedules
    from floe_core.schemas.compiled_artifacts import ARTIFACTS_FILE, CompiledArtifacts

    compiled = folder / ARTIFACTS_FILE
    kept = folder / PARSED_FILE
    if not (compiled.is_file() and kept.is_file()) or any(map(os.environ.get, _CHOOSING)):
        return None
    # Unlike the modification time, ctime cannot be set back by a copy or an archive.
    moment = compiled.stat().st_ctime_ns
    if folder.stat().st_ctime_ns > moment + _OF_ONE_WRITE or _is_changed(folder, moment):
        return None
    try:
        artifacts = CompiledArtifacts.load(folder)
        check_schedules(artifacts)
    except UsageError:
        raise
    except FloeError:
        return None
    is_chosen = on in (None, artifacts.orchestrator.name)
    return artifacts if is_chosen and not find_changes_in_file(kept) else None


def _is_changed(folder: Path, moment: int) -> bool:
    """Return whether a file of the product is newer, or may have changed undetectably."""
    from floe_core.compiler.copy_project import external_paths
    from floe_core.compiler.findings import Findings
    from floe_core.compiler.inputs import read_inputs
    from floe_core.foundation.errors import FloeError

    try:
        inputs = read_inputs(folder, Findings(lambda notice: None))
    except FloeError:
        return True
    manifest = inputs.manifest_document.path
    if manifest.stat().st_ctime_ns > moment or any(external_paths(inputs)):
        return True
    # A link may point to a package that is edited elsewhere, or back to its own folder.
    entries = (path.lstat() for path in _entries(folder, inputs.dbt_document.data))
    return any(stat.S_ISLNK(each.st_mode) or each.st_ctime_ns > moment for each in entries)


def _entries(folder: Path, project: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the product's files and folders, without those that runs and tools write."""
    from floe_core.compiler import copy_project as copied

    work = copied.work_folders(folder, project)
    for place, folders, files in os.walk(folder):
        left = copied.LEFT_ANYWHERE | (copied.LEFT_AT_TOP if Path(place) == folder else set())
        kept = [Path(place, name) for name in folders if name not in left]
        kept = [each for each in kept if each not in work and not copied.is_written_by_tools(each)]
        folders[:] = [each.name for each in kept]
        for name in (*folders, *files):
            if not name.endswith(_WRITTEN_BY_RUNS):
                yield Path(place, name)


def product_and_plugin(
    product: Path, on: str | None
) -> tuple[CompiledArtifacts, OrchestratorPlugin]:
    """Return the compiled product, and a plugin configured to change and report its schedules.

    Without a `url` in the manifest, the plugin reaches the orchestrator of a running `floe dev`.
    """
    from floe_core import plugin_registry
    from floe_core.cli.running_dev import running_dev
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts

    artifacts = CompiledArtifacts.load(product.absolute())
    chosen = artifacts.orchestrator
    settings = dict(chosen.config) if on in (None, chosen.name) else {}
    settings["project_dir"] = str(artifacts.project_dir)
    if not settings.get("url"):
        with running_dev(product, on or chosen.name) as dev:
            settings |= dev.settings if dev is not None else {}
    return artifacts, plugin_registry.load(on or chosen.name, settings)


def compile_now(product: Path, on: str | None) -> CompiledArtifacts:
    """Compile in place, by `floe dev` if one is up: it compiles only what has changed."""
    from floe_core.cli.running_dev import running_dev

    with running_dev(product, on) as dev:
        if dev is None:
            return compile_here(product, on)
        return dev.compile(None, notice)


def compile_here(
    product: Path, on: str | None = None, reuse: bool | None = None
) -> CompiledArtifacts:
    """Compile in place, unless the folder is a copy made by `floe compile --out`.

    `reuse` overrides `execution.reuse` of floe.yaml.
    """
    from floe_core.cli.running_dev import kept_parses
    from floe_core.compiler import compile_product
    from floe_core.foundation.errors import UsageError
    from floe_core.schemas.artifacts_reader import load_copy

    copy = load_copy(product) if on is None else None
    if copy is not None and reuse is not None:
        raise UsageError(
            f"{product} is a copy, which runs as it was compiled: set `execution.reuse` in "
            "floe.yaml, and compile it again"
        )
    if copy is not None:
        return copy
    with kept_parses(product):
        return compile_product(
            product, orchestrator=on, reuse=reuse, on_notice=notice, keeps_entry_point=True
        )
