"""`floe doctor`: what is wrong with this installation and this product, and how to fix it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from floe_core.cli.console import print_json, stdout
from floe_core.cli.options import Env, Json, On, Product
from floe_core.foundation.stages import begin_stage

if TYPE_CHECKING:
    from floe_core.cli.doctor.finding import Finding

PROBLEM = 3
_MARKS = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "problem": "[red]problem[/]"}


def doctor(
    product: Product = Path(), on: On = None, env: Env = None, as_json: Json = False
) -> None:
    """Check the installation and a product, and say how to fix what is wrong.

    Checks the installed versions against their declared ranges, the compiled folder, the services,
    events that wait in the spool, and what killed runs left behind. Before the first compile,
    checks the versions and the manifest's orchestrator; outside a product, the versions, and the
    orchestrator of --on at its default address. Changes nothing. Exits 3 if there is a problem.
    """
    found = _findings(product.absolute(), on)
    has_problem = any(each.severity == "problem" for each in found)
    if as_json:
        status = "problem" if has_problem else "ok"
        print_json({"status": status, "findings": [asdict(each) for each in found]})
    else:
        _print(found)
    raise typer.Exit(PROBLEM if has_problem else 0)


def _findings(folder: Path, on: str | None) -> list[Finding]:
    from floe_core.cli.doctor.compiled_folder import check_compiled, load_compiled
    from floe_core.cli.doctor.leftovers import check_leftovers
    from floe_core.cli.doctor.orchestrator_service import check_chosen, check_compiled_for
    from floe_core.cli.doctor.services import check_services, check_stores
    from floe_core.cli.doctor.versions import check_versions

    begin_stage("checking the installation")
    found = check_versions()
    if not any((folder / name).exists() for name in ("floe.yaml", "compiled_artifacts.json")):
        return [*found, *check_chosen(folder, on)]
    artifacts, problems = load_compiled(folder)
    if artifacts is None:
        return [*found, *problems, *check_chosen(folder, on)]
    found += [*check_compiled(artifacts), *check_compiled_for(artifacts, on)]
    begin_stage("asking the services")
    checks = (check_services, check_stores, check_leftovers)
    return [*found, *(each for check in checks for each in check(artifacts))]


def _print(found: list[Finding]) -> None:
    from rich.markup import escape

    console = stdout()
    for each in found:
        text = f"{_MARKS[each.severity]} [bold]{each.subject}[/]: {escape(each.what)}"
        console.print(text, soft_wrap=True)
        if each.fix:
            console.print(f"  fix: {each.fix}", style="dim", markup=False, soft_wrap=True)
