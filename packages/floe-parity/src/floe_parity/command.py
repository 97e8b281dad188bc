"""`floe parity`: run a product on several sides and show that nothing differs."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from floe_core.cli.console import notice, print_json, stderr, stdout
from floe_core.cli.options import Json, Product, check_file, installed_orchestrators
from floe_core.foundation.errors import UsageError
from floe_core.foundation.stages import begin_stage
from floe_parity.platform import compare_platform
from floe_parity.shown_sides import comparison_as_dict, folder_of_sides, run_shown

if TYPE_CHECKING:
    from floe_core.partitions.calendar import Partition
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts
    from floe_parity.comparison import Comparison
    from floe_parity.sides.side import Side

DIFFERENT = 1
BESIDE_FLOE = "floe"


def _sides(incomplete: str) -> list[str]:
    return [
        *installed_orchestrators(incomplete),
        *(["dbt"] if "dbt".startswith(incomplete) else []),
    ]


def leave_environment(who: str) -> None:
    """Unset the chosen environment, since plain dbt has no environments."""
    from floe_core.storage.environment_choice import ENVIRONMENT_VARIABLE

    if name := os.environ.pop(ENVIRONMENT_VARIABLE, ""):
        notice(f"{who} the product without an environment; {name} is ignored")


def parity(
    product: Product = Path(),
    on: Annotated[
        list[str] | None,
        typer.Option(
            "--on",
            metavar="NAME",
            help="An orchestrator, or dbt for plain `dbt build`; twice or more. Default: dbt "
            "and the orchestrator of manifest.yaml.",
            autocompletion=_sides,
        ),
    ] = None,
    dbt: Annotated[
        list[str] | None,
        typer.Option(
            "--dbt",
            metavar="DBT",
            help="A dbt to run the sides with: a version such as 1.11, which is installed in your "
            "cache folder; a program; or `floe` for the one installed beside floe. Give it twice "
            "or more to compare them, on each side of --on.",
        ),
    ] = None,
    place: Annotated[
        list[str] | None,
        typer.Option(
            "--place",
            metavar="PRODUCT=NAME",
            help="For a platform: where a product runs on one more side, called `placed`.",
        ),
    ] = None,
    partition: Annotated[
        str,
        typer.Option(
            metavar="KEY",
            help="The partitions that all sides build: `KEY` or `FIRST...LAST`. Default: those "
            "that a run builds now.",
        ),
    ] = "",
    keep: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Keep the compiled copies, logs and DuckDB tables in this folder."
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also write the report as an HTML page.", callback=check_file
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a product on orchestrators and with plain dbt, and compare the results.

    Each run starts from an empty warehouse. Compares the graph, the status of every run and node
    and the contents of every table and, between orchestrators, the jobs, their ticks of the next
    year, retries and lineage events. Exits 1 if anything differs, or if a run failed.

    For a manifest, or the folder of one, all of its products run, producers first, on each side.
    """
    from floe_core.compiler.ports.products import is_platform
    from floe_parity.comparison import compare

    leave_environment("parity runs")
    if is_platform(product):
        if dbt or html or partition:
            what = "--dbt, --html and --partition are for one product; give its folder"
            raise UsageError(what)
        raise typer.Exit(compare_platform(product, on or [], place or [], keep, as_json=as_json))
    if place:
        raise UsageError("--place is for a platform; give its manifest.yaml")
    choices = _choices(product, on, dbt)
    with folder_of_sides(keep) as folder:
        now = datetime.now(UTC)
        sides = [
            _run(product, each, folder / where, partition, now) for where, each in choices.items()
        ]
        begin_stage("comparing the sides")
        comparison = compare(*sides)
        if html is not None:
            _write_page(comparison, html)
        if as_json:
            print_json(comparison_as_dict(comparison))
        else:
            from floe_parity.report import print_report

            print_report(comparison, stdout(), is_kept=keep is not None)
    has_passed = comparison.is_equal and comparison.has_succeeded
    raise typer.Exit(0 if has_passed else DIFFERENT)


def _write_page(comparison: Comparison, path: Path) -> None:
    from floe_core.storage.files import write_together
    from floe_parity.html_report import html_report

    write_together(path.absolute().parent, {path.name: html_report(comparison).encode()})


def _choices(
    product: Path, on: list[str] | None, dbt: list[str] | None
) -> dict[str, tuple[str, str | None]]:
    """Return the sides to compare: folder -> the orchestrator or plain dbt, and the dbt to use.

    Without `on`: plain dbt and the manifest's orchestrator; only the latter if dbts are compared.
    """
    from floe_core.foundation.errors import UsageError
    from floe_parity.sides.plain_dbt import NAME

    names = on or [*([] if dbt else [NAME]), _chosen_orchestrator(product)]
    if len(set(names)) < len(names) or len(names) * len(dbt or [""]) < 2:
        from floe_core import plugin_registry

        known = ", ".join([NAME, *plugin_registry.installed()])
        raise UsageError(f"parity compares sides: give --on twice or more; there are: {known}")
    if not dbt:
        return {name: (name, None) for name in names}
    programs = [_program(each, product) for each in dbt]
    return {
        f"{name}-{number}": (name, program)
        for name in names
        for number, program in enumerate(programs, start=1)
    }


def _chosen_orchestrator(product: Path) -> str:
    from floe_core.compiler.findings import Findings
    from floe_core.compiler.inputs import read_inputs

    inputs = read_inputs(product.absolute(), Findings(lambda notice: None))
    return inputs.manifest.plugins.orchestrator.type


def _program(dbt: str, product: Path) -> str:
    """Return a dbt as `compile_side` takes it: "" for floe's own, or a program's absolute path.

    Raises:
        UsageError: The program does not exist.
        EnvironmentProblemError: The version does not exist, or it can't be installed.
    """
    from floe_core.foundation.errors import UsageError
    from floe_parity.sides.dbt_versions import is_version

    if dbt == BESIDE_FLOE:
        return ""
    if is_version(dbt):
        return _install_dbt(dbt, product)
    program = shutil.which(dbt)
    if program is None:
        raise UsageError(
            f"--dbt {dbt}: there is no such program; give a version, a path, a name on PATH, or "
            f"{BESIDE_FLOE}"
        )
    return str(Path(program).absolute())


def _install_dbt(version: str, product: Path) -> str:
    from floe_core.compiler.findings import Findings
    from floe_core.compiler.inputs import read_inputs
    from floe_core.compiler.profile import resolve_profile
    from floe_parity.sides.dbt_versions import program_of_version

    findings = Findings(lambda notice: None)
    profile = resolve_profile(read_inputs(product.absolute(), findings), True, findings)
    findings.raise_if_any()
    assert profile is not None
    stderr().print(f"[bold]dbt {version}[/]: installing it, unless it is in the cache")
    return str(program_of_version(version, profile.adapter))


def _run(
    product: Path, choice: tuple[str, str | None], folder: Path, named: str, now: datetime
) -> Side:
    from rich.markup import escape

    from floe_parity.sides.side import compile_side

    console = stderr()
    began = time.monotonic()
    name, dbt = choice
    console.print(f"[bold]{name}[/]: compiling a copy of {escape(str(product))}", soft_wrap=True)
    compiled = compile_side(product, name, folder, dbt)
    console.print(f"  compiled in {time.monotonic() - began:.1f} s")
    return run_shown(replace(compiled, partitions=_partitions(compiled.artifacts, named, now)))


def _partitions(artifacts: CompiledArtifacts, named: str, now: datetime) -> tuple[Partition, ...]:
    from floe_core.partitions.chosen import partitions_of_run

    declaration = artifacts.partitions
    if declaration is None:
        if named:
            raise UsageError(f"{artifacts.product.name} has no partitions, such as {named}")
        return ()
    return partitions_of_run(declaration, named, now=now)
