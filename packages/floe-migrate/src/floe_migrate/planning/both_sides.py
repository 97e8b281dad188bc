"""The product on both orchestrators: what each makes of it, and its results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from floe_core.cli.console import count_of
from floe_core.cli.fresh_product import read_or_compile
from floe_core.foundation.errors import FloeError, InvalidProductError
from floe_core.plugin_api.powers import ConceptExplainer
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_migrate.moving.records import Records
from floe_migrate.planning.finding import Finding
from floe_migrate.sides.side import LiveSide
from floe_parity.comparison import compare
from floe_parity.shown_sides import folder_of_sides, run_shown
from floe_parity.sides.promises import differing_promises, promises_of, today
from floe_parity.sides.side import compile_side

MOST_NAMED = 5


def concepts(product: Path, target: LiveSide) -> Iterator[Finding]:
    """Yield what the target cannot express, and what keeps the product from compiling for it."""
    try:
        compiled = read_or_compile(product, target.name, refuses_losses=False)
    except InvalidProductError as error:
        yield Finding("compile", "loss", f"it does not compile for {target.name}: {error}")
        return
    if not isinstance(target.plugin, ConceptExplainer):
        what = f"the plugin '{target.name}' does not explain what it makes of a product"
        yield Finding("concepts", "unknown", what)
        return
    losses = [each for each in target.plugin.concepts(compiled) if each.loss]
    for each in losses:
        yield Finding(f"concept:{each.name}", "loss", f"{each.name}: {each.loss}")
    if not losses:
        yield Finding("concepts", "ok", f"{target.name} expresses all that the product has")


def ticks(
    records: Records, source: LiveSide, target: LiveSide, jobs: Sequence[str]
) -> Iterator[Finding]:
    """Yield the differences between a year of ticks, and between retries, on both."""
    names, start = (source.name, target.name), today()
    kept = tuple(records.job(name) for name in jobs)
    one, other = (promises_of(_with_jobs(each, kept), start) for each in (source, target))
    differences = differing_promises(names, one, other)
    for text in differences:
        yield Finding("ticks", "loss", text)
    if not differences:
        number = sum(map(len, one.ticks.values()))
        yield Finding("ticks", "ok", f"both compute the same {number} ticks, and the same retries")


def _with_jobs(side: LiveSide, jobs: tuple[Job, ...]) -> CompiledArtifacts:
    return side.artifacts.model_copy(update={"jobs": jobs}).bound_to(side.artifacts.folder)


def parity(product: Path, source: LiveSide, target: LiveSide) -> Iterator[Finding]:
    """Yield the differences between a run on each side, from scratch; see `floe parity`."""
    try:
        with folder_of_sides(None) as folder:
            compared = compare(
                *(
                    run_shown(compile_side(product, each.name, folder / each.name))
                    for each in (source, target)
                )
            )
    except FloeError as error:
        yield Finding("parity", "unknown", f"not compared: {error}")
        return
    differences = [
        *compared.differences,
        *(f"{node.node_id}: {text}" for node in compared.nodes for text in node.differences),
    ]
    for text in differences[:MOST_NAMED]:
        yield Finding("parity", "loss", text)
    if len(differences) > MOST_NAMED:
        what = f"{len(differences) - MOST_NAMED} more differences; see `floe parity`"
        yield Finding("parity", "loss", what)
    if not compared.has_succeeded:
        failed = [side.name for side in compared.sides if side.report.status != "success"]
        yield Finding("parity", "loss", f"a run from scratch fails on {' and '.join(failed)}")
    elif not differences:
        what = f"a run of {count_of(len(compared.nodes), 'node')} has the same results on both"
        yield Finding("parity", "ok", what)
