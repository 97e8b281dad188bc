"""All products of a platform on one side: each on its orchestrator, in one warehouse."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from floe_core.compiler.compile_product import prepare_product
from floe_core.compiler.inputs import FLOE_FILE
from floe_core.compiler.products import Platform
from floe_core.compiler.profile import Profile
from floe_core.errors import UsageError
from floe_core.mesh.state import read_mesh
from floe_core.parity import plain_dbt
from floe_core.parity.scratch import refuse_other_files, refuse_secrets_in
from floe_core.parity.side import CompiledSide
from floe_core.ports.published import PublishedProduct
from floe_core.warehouse.duckdb_file import duckdb_file

PLACED = "placed"


@dataclass(frozen=True)
class MeshSide:
    """Where the products of a platform run: product -> orchestrator, or `dbt`."""

    name: str
    placement: Mapping[str, str]


def mesh_sides(platform: Platform, on: Sequence[str], place: Sequence[str]) -> list[MeshSide]:
    """Return the sides: all products on each of `on`, and as `place` (`product=orchestrator`) says.

    A product that `place` leaves out runs where the manifest has it.

    Raises:
        UsageError: There are less than two, or one names what is not there.
    """
    products = list(platform.products)
    sides = [MeshSide(name, dict.fromkeys(products, name)) for name in on]
    if place:
        own = dict.fromkeys(products, platform.manifest.plugins.orchestrator.type)
        sides.append(MeshSide(PLACED, {**own, **dict(_pair(each, products) for each in place)}))
    if len({side.name for side in sides}) < max(2, len(sides)):
        raise UsageError("parity compares sides: give --on twice or more, or --on and --place")
    return sides


def products_in_order(platform: Platform) -> dict[str, Path]:
    """Return product -> its folder, producers before those that read them.

    Raises:
        UsageError: A product has no folder here, is not compiled, or they form a circle.
    """
    mesh = read_mesh(platform)
    if mesh.cycle:
        raise UsageError(f"products read each other in a circle: {' -> '.join(mesh.cycle)}")
    found: dict[str, Path] = {}
    for product in mesh.products:
        place = platform.manifest.products[product.name]
        folder = PublishedProduct(place, platform.path.parent).folder
        if not (folder / FLOE_FILE).is_file():
            raise UsageError(f"{product.name}: {place} is no folder of a product's own files")
        if product.problem:
            raise UsageError(f"{product.name}: {product.problem}; run `floe compile {folder}`")
        found[product.name] = folder
    return found


def compile_mesh_side(
    side: MeshSide, products: Mapping[str, Path], folder: Path
) -> list[CompiledSide]:
    """Compile a copy of each product, all in one DuckDB file of the side's own.

    Raises:
        UsageError: A product's tables are in no DuckDB file, or plain dbt would have to run steps.
        InvalidProductError: A product is wrong, or would write elsewhere.
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return [_compiled(side, name, product, folder) for name, product in products.items()]


def _compiled(side: MeshSide, name: str, product: Path, folder: Path) -> CompiledSide:
    runner = side.placement[name]
    is_plain = runner == plain_dbt.NAME

    def in_file_of_side(profile: Profile) -> Profile:
        file = duckdb_file(profile.output, product)
        if file is None:
            what = "the products of a platform are compared where their tables are in a DuckDB file"
            raise UsageError(f"{what}; those of {name} are not")
        refuse_secrets_in(profile)
        return replace(profile, output={**profile.output, "path": str(folder / file.name)})

    compiled = prepare_product(
        product,
        orchestrator=None if is_plain else runner,
        out=folder / name,
        change_profile=in_file_of_side,
    )
    if compiled.artifacts.steps and is_plain:
        raise UsageError(f"plain dbt runs no steps, and {name} has some; leave out dbt")
    refuse_other_files(compiled)
    artifacts = compiled.write()
    ledger = folder / "ledger"
    return CompiledSide(runner, product, artifacts, None, False, ledger, label=side.name)


def _pair(text: str, products: Sequence[str]) -> tuple[str, str]:
    name, _, runner = text.partition("=")
    if name not in products or not runner:
        near = get_close_matches(name, products, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"products are {', '.join(products)}"
        raise UsageError(f"--place {text}: write PRODUCT=ORCHESTRATOR; {hint}")
    return name, runner
