"""`floe doctor`: what is wrong with this installation and this product, and how to fix it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from floe_core.cli.console import print_json, stdout
from floe_core.cli.options import Env, Json, Product

if TYPE_CHECKING:
    from floe_core.doctor.finding import Finding

PROBLEM = 3
_MARKS = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "problem": "[red]problem[/]"}


def doctor(product: Product = Path(), env: Env = None, as_json: Json = False) -> None:
    """Check the installation and a compiled product, and say how to fix what is wrong.

    Checks the installed versions against their declared ranges, the compiled folder, the services,
    events that wait in the spool, and what killed runs left behind. Outside a product, checks only
    the versions. Changes nothing. Exits 3 if there is a problem.
    """
    found = _findings(product.absolute())
    has_problem = any(each.severity == "problem" for each in found)
    if as_json:
        status = "problem" if has_problem else "ok"
        print_json({"status": status, "findings": [asdict(each) for each in found]})
    else:
        for each in found:
            _print(each)
    raise typer.Exit(PROBLEM if has_problem else 0)


def _findings(folder: Path) -> list[Finding]:
    from floe_core.doctor.compiled_folder import check_compiled, load_compiled
    from floe_core.doctor.leftovers import check_leftovers
    from floe_core.doctor.services import check_services
    from floe_core.doctor.stores import check_stores
    from floe_core.doctor.versions import check_versions

    found = check_versions()
    if not any((folder / name).exists() for name in ("floe.yaml", "compiled_artifacts.json")):
        return found
    artifacts, problems = load_compiled(folder)
    if artifacts is None:
        return [*found, *problems]
    checks = (check_compiled, check_services, check_stores, check_leftovers)
    return [*found, *(each for check in checks for each in check(artifacts))]


def _print(found: Finding) -> None:
    from rich.markup import escape

    console = stdout()
    text = f"{_MARKS[found.severity]} [bold]{found.subject}[/]: {escape(found.what)}"
    console.print(text, soft_wrap=True)
    if found.fix:
        console.print(f"  fix: {found.fix}", style="dim", markup=False, soft_wrap=True)
