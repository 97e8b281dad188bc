"""One side of a parity run: the product compiled for an orchestrator and run from nothing."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from floe_core.build_events import BuildEvent
from floe_core.compiler.compile_product import prepare_product
from floe_core.errors import UsageError
from floe_core.execution.warehouse_lock import duckdb_file
from floe_core.launch import launch
from floe_core.parity.lineage_events import caught_events, caught_in_file
from floe_core.parity.promises import Promises, promises_of, today
from floe_core.parity.table_contents import TableContents, read_tables
from floe_core.plugin_powers import RunOptions, RunReport
from floe_core.schemas.compiled_artifacts import ARTIFACTS_FILE, CompiledArtifacts


@dataclass(frozen=True)
class Side:
    """What one orchestrator made of the product.

    `tables` maps node id to contents; `events` counts the lineage events of each kind; `promises`
    is what the orchestrator says that it will do.
    """

    orchestrator: str
    artifacts: CompiledArtifacts
    report: RunReport
    tables: dict[str, TableContents] = field(default_factory=dict)
    events: Counter[str] = field(default_factory=Counter)
    promises: Promises = field(default_factory=Promises)


def compile_side(product: Path, orchestrator: str, folder: Path) -> CompiledArtifacts:
    """Compile a copy of the product, with an empty warehouse of its own; an older copy goes.

    Raises:
        UsageError: The product does not run on a DuckDB file, so there is no empty one to be had.
    """
    if (folder / ARTIFACTS_FILE).exists():
        shutil.rmtree(folder)
    compiled = prepare_product(product, orchestrator=orchestrator, out=folder)
    if duckdb_file(compiled.artifacts.dbt.profile, folder) is None:
        adapter = compiled.artifacts.dbt.adapter
        raise UsageError(
            f"parity reads the tables of a DuckDB file; this product's are in {adapter}"
        )
    return compiled.write()


def run_side(artifacts: CompiledArtifacts, on_event: Callable[[BuildEvent], None]) -> Side:
    """Run the whole product and read what it left in the warehouse."""
    folder = artifacts.project_dir
    assert folder is not None
    with caught_in_file(folder):
        report = launch(artifacts, RunOptions(artifacts.jobs[0].name), on_event)
        events = caught_events(artifacts)
    warehouse = duckdb_file(artifacts.dbt.profile, folder)
    assert warehouse is not None
    tables = read_tables(warehouse, artifacts.runnable) if warehouse.exists() else {}
    promises = promises_of(artifacts, today())
    return Side(artifacts.orchestrator.name, artifacts, report, tables, events, promises)
