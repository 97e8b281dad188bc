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
from floe_core.parity import plain_dbt
from floe_core.parity.lineage_events import caught_events, caught_in_file
from floe_core.parity.promises import Promises, promises_of, today
from floe_core.parity.table_contents import TableContents, read_tables
from floe_core.plugin_powers import RunOptions, RunReport
from floe_core.schemas.compiled_artifacts import ARTIFACTS_FILE, CompiledArtifacts

Edges = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Side:
    """What one orchestrator, or plain dbt, made of the product.

    `tables` maps node id to contents; `events` counts the lineage events of each kind; `promises`
    is what the orchestrator says that it will do; `edges` are pairs of the ids of parent and child
    among what runs.
    """

    name: str
    artifacts: CompiledArtifacts
    report: RunReport
    tables: dict[str, TableContents] = field(default_factory=dict)
    events: Counter[str] = field(default_factory=Counter)
    promises: Promises = field(default_factory=Promises)
    edges: Edges = frozenset()

    @property
    def is_plain_dbt(self) -> bool:
        """Whether this is dbt by itself, without an orchestrator and without floe."""
        return self.name == plain_dbt.NAME


def compile_side(product: Path, name: str, folder: Path) -> CompiledArtifacts:
    """Compile a copy of the product, with an empty warehouse of its own; an older copy goes.

    Raises:
        UsageError: The product does not run on a DuckDB file, so there is no empty one to be had.
    """
    if (folder / ARTIFACTS_FILE).exists():
        shutil.rmtree(folder)
    orchestrator = None if name == plain_dbt.NAME else name
    compiled = prepare_product(
        product, orchestrator=orchestrator, out=folder, isolates_warehouse=True
    )
    if duckdb_file(compiled.artifacts.dbt.profile, folder) is None:
        adapter = compiled.artifacts.dbt.adapter
        raise UsageError(
            f"parity reads the tables of a DuckDB file; this product's are in {adapter}"
        )
    return compiled.write()


def run_side(
    name: str, artifacts: CompiledArtifacts, on_event: Callable[[BuildEvent], None]
) -> Side:
    """Run the whole product and read what it left in the warehouse."""
    if name == plain_dbt.NAME:
        report, edges = plain_dbt.run_plain_dbt(artifacts, on_event)
        return Side(name, artifacts, report, _tables(artifacts), edges=edges)
    folder = artifacts.project_dir
    assert folder is not None
    with caught_in_file(folder):
        report = launch(artifacts, RunOptions(artifacts.jobs[0].name), on_event)
        events = caught_events(artifacts)
    promises = promises_of(artifacts, today())
    tables = _tables(artifacts)
    return Side(name, artifacts, report, tables, events, promises, _edges(artifacts))


def _tables(artifacts: CompiledArtifacts) -> dict[str, TableContents]:
    assert artifacts.project_dir is not None
    warehouse = duckdb_file(artifacts.dbt.profile, artifacts.project_dir)
    assert warehouse is not None
    return read_tables(warehouse, artifacts.runnable) if warehouse.exists() else {}


def _edges(artifacts: CompiledArtifacts) -> Edges:
    return frozenset(
        (parent, node.unique_id)
        for node in artifacts.runnable
        for parent in node.depends_on
        if artifacts.by_id[parent].is_runnable
    )
