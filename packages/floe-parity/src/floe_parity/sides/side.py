"""One side of a parity run: the product compiled for an orchestrator and run from scratch."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from floe_core.compiler.compile_product import CompiledProduct, prepare_product
from floe_core.compiler.profile import Profile, isolate
from floe_core.foundation.errors import UsageError
from floe_core.foundation.process_environment import environment_with
from floe_core.partitions.calendar import Partition
from floe_core.partitions.chosen import name_partitions
from floe_core.plugin_api.launched_run.launcher import launch
from floe_core.plugin_api.powers import RunOptions, RunReport
from floe_core.runs.build_events import BuildEvent
from floe_core.runs.run_parameters import RunParameters
from floe_core.schedules.live_schedules import with_live_schedules
from floe_core.schemas.compiled_artifacts import ARTIFACTS_FILE, CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.warehouse.duckdb_file import duckdb_file
from floe_core.warehouse.internals import require_adapter
from floe_core.warehouse.table_contents import TableContents, read_tables
from floe_parity.sides import plain_dbt
from floe_parity.sides.lineage_events import caught_in_file, collect_events
from floe_parity.sides.promises import Promises, promises_of, today
from floe_parity.sides.raw_tables import copy_raw_tables
from floe_parity.sides.scratch import (
    Scratch,
    in_scratch,
    new_scratch,
    prepare_run_apart,
    refuse_other_files,
    refuse_secrets_in,
    refuse_writes_outside,
    sharing_files,
)
from floe_parity.sides.scratch_journal import dropped_afterwards
from floe_parity.sides.sqlite_files import FOLDER, in_own_files, refuse_foreign_files

Edges = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Side:
    """The results of the product on one orchestrator, or with plain dbt.

    `tables` maps node id to contents; `events` counts the lineage events of each kind; `promises`
    is what the orchestrator promises to do; `edges` are pairs of the ids of parent and child
    among what runs. `scratches` are its schemas, and those of products that it reads. `runner`
    is the orchestrator, or `dbt`, where `name` has more than that.
    """

    name: str
    artifacts: CompiledArtifacts
    report: RunReport
    tables: dict[str, TableContents] = field(default_factory=dict)
    events: Counter[str] = field(default_factory=Counter)
    promises: Promises = field(default_factory=Promises)
    edges: Edges = frozenset()
    scratches: tuple[Scratch, ...] = ()
    runner: str = ""

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes, as they would be without schemas of the side's own."""
        if not self.scratches:
            return self.artifacts.nodes
        texts = (self._original(node.model_dump_json()) for node in self.artifacts.nodes)
        return tuple(Node.model_validate_json(text) for text in texts)

    def _original(self, text: str) -> str:
        for scratch in self.scratches:
            text = scratch.original(text)
        return text

    @property
    def is_plain_dbt(self) -> bool:
        """Whether this is plain dbt, without an orchestrator and without floe."""
        return (self.runner or self.name) == plain_dbt.NAME

    @property
    def dbt_version(self) -> str:
        """The version of the dbt that ran."""
        return self.artifacts.dbt.version


@dataclass(frozen=True)
class CompiledSide:
    """A side that is compiled and has not run. `scratch` is None where the warehouse is its own.

    `label` is its name where it has one of its own. `shared` is a folder for what products share,
    such as updates of ports. `read` are schemas of other products on this side. `partitions` are
    those to build, () for those of now.
    """

    runner: str
    product_dir: Path
    artifacts: CompiledArtifacts
    scratch: Scratch | None
    says_its_dbt: bool
    shared: Path
    label: str = ""
    read: tuple[Scratch, ...] = ()
    partitions: tuple[Partition, ...] = ()

    @property
    def name(self) -> str:
        """Its label or its runner, and the version of its dbt where sides differ in that."""
        return self.label or (
            f"{self.runner}, dbt {self.artifacts.dbt.version}" if self.says_its_dbt else self.runner
        )

    @property
    def scratches(self) -> tuple[Scratch, ...]:
        """Its own schemas, and those of others that it reads."""
        return ((self.scratch,) if self.scratch else ()) + self.read

    def own_schemas(self, tell: Callable[[str], None]) -> AbstractContextManager[None]:
        """Return a block that drops the side's schemas at its end, if it has no own warehouse."""
        if self.scratch is None:
            return nullcontext()
        return dropped_afterwards(self.product_dir, self.artifacts, self.scratch, tell)


def compile_side(product: Path, name: str, folder: Path, dbt: str | None = None) -> CompiledSide:
    """Compile a copy of the product with a warehouse of its own, replacing an older copy.

    That is a DuckDB file inside of the copy, else schemas of the side's own. `dbt` takes the place
    of the product's dbt: a program, or "" for the dbt beside floe.

    Raises:
        UsageError: The product's warehouse gives no place to a side.
        InvalidProductError: The product is wrong, or would write elsewhere.
        EnvironmentProblemError: The adapter that its tables are read through is not installed.
    """
    if (folder / ARTIFACTS_FILE).exists():
        shutil.rmtree(folder)
    place = _Place(folder, product.absolute())
    compiled = prepare_product(
        product,
        orchestrator=None if name == plain_dbt.NAME else name,
        out=folder,
        change_profile=place.change,
        dbt_executable=dbt,
    )
    refuse_steps(compiled.artifacts, name, place.scratch)
    _refuse_writes_outside(compiled, place.scratch)
    artifacts = _with_schedules_of(product, compiled.write())
    if artifacts.dbt.adapter == "sqlite":
        (folder / FOLDER).mkdir()
    own_file = duckdb_file(artifacts.dbt.profile, folder)
    if place.product_file is not None and own_file is not None:
        copy_raw_tables([artifacts], place.product_file, own_file)
    shared = folder.with_name(f"{folder.name}-shared")
    return CompiledSide(name, product.absolute(), artifacts, place.scratch, dbt is not None, shared)


def _refuse_writes_outside(compiled: CompiledProduct, scratch: Scratch | None) -> None:
    if scratch is not None:
        refuse_writes_outside(compiled, scratch)
    elif compiled.artifacts.dbt.adapter == "sqlite":
        refuse_foreign_files(compiled)
    else:
        refuse_other_files(compiled)


def _with_schedules_of(product: Path, copy: CompiledArtifacts) -> CompiledArtifacts:
    """Return a side with the current schedules of the product, whose ticks are compared."""
    return with_live_schedules(copy.bound_to(product.absolute())).bound_to(copy.folder)


def refuse_steps(artifacts: CompiledArtifacts, name: str, scratch: Scratch | None) -> None:
    """Refuse steps on a plain dbt side, or if they would write outside the side's schemas."""
    steps = ", ".join(artifacts.by_id[step.unique_id].name for step in artifacts.steps)
    if steps and name == plain_dbt.NAME:
        raise UsageError(f"plain dbt runs no steps, and this product has {steps}; leave out dbt")
    if steps and scratch is not None:
        raise UsageError(
            f"parity writes to schemas of its own in this warehouse, and steps ({steps}) write "
            "where they like; compare the product on a DuckDB file"
        )


class _Place:
    """Finds the place of a side in its product's warehouse, while the product compiles."""

    def __init__(self, folder: Path, home: Path) -> None:
        self._folder = folder
        self._home = home
        self.scratch: Scratch | None = None
        self.product_file: Path | None = None

    def change(self, profile: Profile) -> Profile:
        """Return the profile that leads to the place."""
        require_adapter(profile.adapter)
        if profile.adapter == "sqlite":
            refuse_secrets_in(profile)
            return in_own_files(profile, self._folder)
        if profile.adapter == "duckdb":
            if duckdb_file(profile.output, self._folder) is None:
                raise UsageError("parity needs a DuckDB file; this product's tables are in none")
            refuse_secrets_in(profile)
            # The profiles of environments are changed too, but are not run.
            self.product_file = self.product_file or duckdb_file(profile.output, self._home)
            return isolate(profile, self._folder)
        # The profiles of environments are changed too, but are not run.
        self.scratch = self.scratch or new_scratch(profile)
        return in_scratch(sharing_files(profile, profile, self._home), self.scratch)


def run_side(
    side: CompiledSide,
    on_event: Callable[[BuildEvent], None],
    tell: Callable[[str], None] = lambda notice: None,
) -> Side:
    """Run the whole product, read its results from the warehouse, and drop the side's schemas.

    `tell` receives the names of schemas that earlier runs left.
    """
    with side.own_schemas(tell):
        return run_in_schemas(side, on_event)


def run_in_schemas(side: CompiledSide, on_event: Callable[[BuildEvent], None]) -> Side:
    """Do the same as `run_side`, but leave dropping the schemas to the caller."""
    with environment_with(prepare_run_apart(side.shared)):
        return _run(side, on_event)


def _run(side: CompiledSide, on_event: Callable[[BuildEvent], None]) -> Side:
    name, artifacts, scratches = side.name, side.artifacts, side.scratches
    if side.runner == plain_dbt.NAME:
        report, edges = plain_dbt.run_plain_dbt(artifacts, on_event, side.partitions)
        tables = read_tables(artifacts)
        return Side(
            name, artifacts, report, tables, edges=edges, scratches=scratches, runner=side.runner
        )
    folder = artifacts.folder
    with caught_in_file(folder):
        report = launch(artifacts, _options(side), on_event)
        events = collect_events(artifacts, {each.base: each.schema for each in scratches})
    promises = promises_of(artifacts, today())
    tables, edges = read_tables(artifacts), _edges(artifacts)
    return Side(
        name, artifacts, report, tables, events, promises, edges, scratches, runner=side.runner
    )


def _options(side: CompiledSide) -> RunOptions:
    job, partitions = side.artifacts.jobs[0].name, side.partitions
    if not partitions:
        return RunOptions(job)
    parameters = RunParameters(partitions=name_partitions(partitions))
    return RunOptions(job, nominal_time=partitions[-1].end, parameters=parameters)


def _edges(artifacts: CompiledArtifacts) -> Edges:
    return frozenset(
        (parent, node.unique_id)
        for node in artifacts.runnable
        for parent in node.depends_on
        if artifacts.by_id[parent].is_runnable
    )
