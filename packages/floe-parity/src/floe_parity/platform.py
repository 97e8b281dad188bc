"""`floe parity` for all products of a platform."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from floe_core.cli.console import print_json, stderr, stdout
from floe_core.foundation.stages import begin_stage
from floe_parity.shown_sides import comparison_as_dict, folder_of_sides, print_message, run_shown

if TYPE_CHECKING:
    from floe_parity.comparison import Comparison
    from floe_parity.sides.mesh_sides import MeshSide
    from floe_parity.sides.side import Side

EQUAL, DIFFERENT = 0, 1


def compare_platform(
    path: Path, on: list[str], place: list[str], keep: Path | None, *, as_json: bool
) -> int:
    """Run every product on every side, print the comparison, and return the exit code."""
    from floe_core.compiler.ports.products import read_platform
    from floe_parity.comparison import compare
    from floe_parity.sides.mesh_sides import mesh_sides, products_in_order

    platform = read_platform(path)
    sides = mesh_sides(platform, on, place)
    products = products_in_order(platform)
    with folder_of_sides(keep) as folder:
        found = [_run(side, products, folder / side.name) for side in sides]
        begin_stage("comparing the sides")
        compared = {name: compare(*(side[name] for side in found)) for name in products}
        if as_json:
            print_json(_as_dict(compared))
        else:
            _print(compared, is_kept=keep is not None)
    is_well = all(each.is_equal and each.has_succeeded for each in compared.values())
    return EQUAL if is_well else DIFFERENT


def _run(side: MeshSide, products: dict[str, Path], folder: Path) -> dict[str, Side]:
    from floe_parity.sides.mesh_sides import compile_mesh_side

    console = stderr()
    console.print(f"[bold]{side.name}[/]: compiling copies of {len(products)} products")
    found: dict[str, Side] = {}
    of_side = compile_mesh_side(side, products, folder)
    # A consumer reads the schemas of its producers, so they are kept until all have run.
    with ExitStack() as schemas:
        for compiled in of_side:
            schemas.enter_context(compiled.own_schemas(print_message))
        for compiled in of_side:
            name = compiled.artifacts.product.name
            console.print(f"[bold]{side.name}[/]: {name} on {compiled.runner}")
            found[name] = run_shown(compiled, keeps_schemas=True)
    return found


def _as_dict(compared: dict[str, Comparison]) -> dict[str, object]:
    return {
        "equal": all(each.is_equal for each in compared.values()),
        "products": {name: comparison_as_dict(each) for name, each in compared.items()},
    }


def _print(compared: dict[str, Comparison], *, is_kept: bool) -> None:
    from floe_parity.report import print_report

    for each in compared.values():
        print_report(each, stdout(), is_kept=is_kept)
