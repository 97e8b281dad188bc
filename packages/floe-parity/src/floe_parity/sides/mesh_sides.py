"""Compile all products of a platform for one side: each for its orchestrator, in its own place."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from floe_core.compiler.compile_product import CompiledProduct, prepare_product
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import FLOE_FILE, read_inputs
from floe_core.compiler.ports.products import Platform, placement
from floe_core.compiler.profile import Profile
from floe_core.foundation.errors import InvalidProductError, Problem, UsageError
from floe_core.ports.published import PublishedProduct
from floe_core.warehouse.duckdb_file import duckdb_file
from floe_core.warehouse.internals import require_adapter
from floe_parity.sides import plain_dbt
from floe_parity.sides.raw_tables import copy_raw_tables
from floe_parity.sides.scratch import (
    Scratch,
    in_scratch,
    new_name,
    new_scratch,
    refuse_other_files,
    refuse_secrets_in,
    refuse_writes_outside,
    sharing_files,
)
from floe_parity.sides.side import CompiledSide, refuse_steps

PLACED = "placed"


@dataclass(frozen=True)
class MeshSide:
    """Where the products of a platform run: product -> orchestrator, or `dbt`."""

    name: str
    placement: Mapping[str, str]


def mesh_sides(platform: Platform, on: Sequence[str], place: Sequence[str]) -> list[MeshSide]:
    """Return the sides: all products on each of `on`, and as in `place` (`product=orchestrator`).

    A product that is not in `place` runs on the manifest's orchestrator.

    Raises:
        UsageError: There are fewer than two, or one names something unknown.
    """
    products = list(platform.products)
    sides = [MeshSide(name, dict.fromkeys(products, name)) for name in on]
    if place:
        own = dict.fromkeys(products, platform.manifest.plugins.orchestrator.type)
        sides.append(MeshSide(PLACED, {**own, **placement(place, products)}))
    if len({side.name for side in sides}) < max(2, len(sides)):
        raise UsageError("parity compares sides: give --on twice or more, or --on and --place")
    return sides


def products_in_order(platform: Platform) -> dict[str, Path]:
    """Return product -> its folder, producers before those that read them.

    Raises:
        UsageError: A product has no folder here, is not compiled, or they form a cycle.
    """
    found: dict[str, Path] = {}
    for name in _in_order(platform):
        place = platform.manifest.products[name]
        folder = PublishedProduct(place, platform.path.parent).folder
        if not (folder / FLOE_FILE).is_file():
            raise UsageError(f"{name}: {place} is not a folder with a product's own files")
        if platform.products[name] is None:
            problem = platform.problems.get(name, "not published")
            raise UsageError(f"{name}: {problem}; run `floe compile {folder}`")
        found[name] = folder
    return found


def _in_order(platform: Platform) -> list[str]:
    reads = {
        name: {port.product for port in product.input_ports} & platform.products.keys()
        for name, product in platform.products.items()
        if product is not None
    }
    graph = TopologicalSorter({name: reads.get(name, set()) for name in platform.products})
    try:
        return list(graph.static_order())
    except CycleError as error:
        raise UsageError(f"products form a cycle: {' -> '.join(error.args[1])}") from None


def compile_mesh_side(
    side: MeshSide, products: Mapping[str, Path], folder: Path
) -> list[CompiledSide]:
    """Compile a copy of each product, which reads the copies of those before it.

    DuckDB tables are all in one file of the side's own, with what else is in the products' files.
    In other warehouses, each product has its own schemas on this side.

    Raises:
        UsageError: A product's warehouse has no place for a side, or something would have to run
            that cannot be confined to it.
        InvalidProductError: A product is wrong, or would write or read elsewhere.
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    found: list[CompiledSide] = []
    files: dict[Path, None] = {}
    own_name = new_name()
    for number, (name, product) in enumerate(products.items()):
        # Numbered, so that the names sort in the same order on each side: lineage sorts by names.
        place = _Place(name, product, folder, f"{own_name}{number:03}")
        found.append(_compile(side, place, found))
        if place.product_file is not None:
            files[place.product_file.resolve()] = None
    for file in files:
        copy_raw_tables([each.artifacts for each in found], file, folder / file.name)
    return found


def _compile(side: MeshSide, place: _Place, before: Sequence[CompiledSide]) -> CompiledSide:
    name, product, folder = place.name, place.product, place.folder
    runner = side.placement[name]
    compiled = prepare_product(
        product,
        orchestrator=None if runner == plain_dbt.NAME else runner,
        out=folder / name,
        change_profile=place.change,
        published={each.artifacts.product.name: str(each.artifacts.folder) for each in before},
    )
    refuse_steps(compiled.artifacts, runner, place.scratch)
    if place.scratch is None:
        refuse_other_files(compiled)
    else:
        refuse_writes_outside(compiled, place.scratch)
        _refuse_reads_outside(compiled, before)
    read = tuple(each.scratch for each in before if each.scratch is not None)
    artifacts, shared = compiled.write(), folder / "shared"
    return CompiledSide(
        runner, product, artifacts, place.scratch, False, shared, label=side.name, read=read
    )


class _Place:
    """Determines the place of a product on a side while the product is compiled."""

    def __init__(self, name: str, product: Path, folder: Path, schemas: str) -> None:
        self.name = name
        self.product = product
        self.folder = folder
        self._schemas = schemas
        self.scratch: Scratch | None = None
        self.product_file: Path | None = None

    def change(self, profile: Profile) -> Profile:
        """Return the profile that leads to the place."""
        require_adapter(profile.adapter)
        if profile.adapter == "duckdb":
            return self._in_file_of_side(profile)
        if profile.adapter == "sqlite":
            raise UsageError(f"products on SQLite are compared one by one, and {self.name} is one")
        _refuse_ports_as_sources(self.product, self.name)
        # The profiles of environments are changed too, but are not run.
        self.scratch = self.scratch or new_scratch(profile, name=self._schemas)
        return in_scratch(sharing_files(profile, profile, self.product), self.scratch)

    def _in_file_of_side(self, profile: Profile) -> Profile:
        file = duckdb_file(profile.output, self.product)
        if file is None:
            what = f"the tables of {self.name} are in no DuckDB file, and parity needs one"
            raise UsageError(what)
        refuse_secrets_in(profile)
        # The profiles of environments are changed too, but are not run.
        self.product_file = self.product_file or file
        return replace(profile, output={**profile.output, "path": str(self.folder / file.name)})


def _refuse_ports_as_sources(product: Path, name: str) -> None:
    """Refuse a product whose own files would have to name the schemas of a side.

    Raises:
        UsageError: It has a dbt of its own, for which compile writes its ports as sources.
    """
    spec = read_inputs(product, Findings(lambda notice: None)).spec
    if spec.input_ports and spec.execution.dbt_executable:
        raise UsageError(
            f"{name} reads its ports as sources, with execution.dbtExecutable, and those name "
            "schemas in its own files; compare it where its tables are in a DuckDB file"
        )


def _refuse_reads_outside(compiled: CompiledProduct, before: Sequence[CompiledSide]) -> None:
    """Refuse sources that another product builds: they would be read from its real place.

    Raises:
        InvalidProductError: There are such sources; it lists each of them.
    """
    builders = {
        (side.scratch.original(node.schema_name), node.identifier): side.artifacts.product.name
        for side in before
        if side.scratch is not None
        for node in side.artifacts.nodes
        if node.is_relation
    }
    problems = [
        Problem(
            f"{node.unique_id} is built by {builder}, and would be read from "
            f"'{node.schema_name}' and not from this side's schemas",
            "read it by an input port",
            node.path,
        )
        for node in compiled.artifacts.nodes
        if node.resource_type == "source" and not node.port
        if (builder := builders.get((node.schema_name, node.identifier)))
    ]
    if problems:
        raise InvalidProductError(problems)
