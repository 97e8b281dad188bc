"""`floe import`: read the pipelines of other tools, and write the products that replace them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from floe_core.cli.console import count_of, echo, print_json
from floe_core.cli.options import Json
from floe_core.foundation.errors import UsageError
from floe_core.foundation.stages import begin_stage

FAILED = 1


def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files to import.")],
    project: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="A dbt project that the files name by another path."),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder for files that belong nowhere else.")
    ] = Path("floe-import"),
    connections: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A file of `airflow connections export`, or an airflow_settings.yaml. floe takes "
            "from it the databases and schemas that Cosmos takes from a connection, and nothing "
            "else.",
        ),
    ] = None,
    env: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Read the files as in a process with this environment variable, where a condition "
            "or a lookup depends on it. NAME= for one that is not set.",
        ),
    ] = None,
    variable: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Read this Airflow Variable as this value."),
    ] = None,
    waive: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="Accept what is lost by the rule with this code."),
    ] = None,
    write_anyway: Annotated[
        bool, typer.Option("--write-anyway", help="Write the files even if something is lost.")
    ] = False,
    prove: Annotated[
        bool,
        typer.Option(
            "--prove", help="Compile what was written, and compare it with what the old tool does."
        ),
    ] = False,
    prove_tables: Annotated[
        bool,
        typer.Option(
            "--prove-tables",
            help="Also run what was written, on its orchestrator and with plain dbt, and compare "
            "the tables: `floe parity`.",
        ),
    ] = False,
    python: Annotated[
        str,
        typer.Option(
            metavar="PATH",
            help="The Python that has the old tool, for --prove. Default: that of floe.",
            show_default=False,
        ),
    ] = sys.executable,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report only, write nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Read DAG files, flows or Dagster definitions, and write the products that replace them.

    Reads Cosmos and tasks that call dbt in Bash by their syntax tree; executes nothing. Reports
    each construct that concerns dbt with a code: exact, changed (how), lost, or unknown (what to
    decide).

    Writes floe.yaml and manifest.yaml into the dbt project, and the file that remains into --out.
    With --prove, asks Cosmos, Airflow and Dagster which nodes, ticks and assets they have;
    with --prove-tables, compares the tables with those of plain dbt, too.
    Overwrites no file. Exits 1 if something is lost that no --waive accepts; then nothing is
    written.
    """
    from floe_import.import_files import Request, import_products
    from floe_import.proof import tables
    from floe_import.proof.proofs import prove_import
    from floe_import.python.given_values import GivenValues
    from floe_import.writing import write_report

    if dry_run and (prove or prove_tables):
        named = "--prove" if prove else "--prove-tables"
        raise UsageError(f"{named} checks what was written, and --dry-run writes nothing")
    given = GivenValues(_pairs("--env", env or []), _pairs("--variable", variable or []))
    begin_stage(f"reading {count_of(len(files), 'file')}")
    report, products = import_products(Request(files, project or [], out, connections, given))
    unwaived = report.unwaived(waive or [])
    is_written = not dry_run and (write_anyway or not unwaived)
    written = write_report(report) if is_written else []
    if (prove or prove_tables) and written:
        begin_stage("comparing what was written with the old tool")
        prove_import(report, products, python)
    if prove_tables and written:
        begin_stage("running what was written, and comparing its tables with those of plain dbt")
        report.findings += tables.prove(products)
    if as_json:
        print_json(report.as_dict(written))
    else:
        echo(report.as_text())
        for path in written:
            echo(f"wrote {path}")
        for step in report.steps if written else []:
            echo(f"next: {step}")
        for each in unwaived:
            echo(f"lost: {each.construct}; accept it with --waive {each.code}")
    raise typer.Exit(FAILED if unwaived else 0)


def _pairs(option: str, texts: list[str]) -> dict[str, str]:
    """Return name -> value, of texts NAME=VALUE.

    Raises:
        UsageError: A text is none, or two have one name.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not name or not separator:
            raise UsageError(f"{option} {text}: write it as NAME=VALUE")
        if name in found:
            raise UsageError(f"{option} {name} is given twice")
        found[name] = value
    return found
