"""`floe check`: is the orchestrator running and healthy?"""

from __future__ import annotations

from pathlib import Path

import typer

from floe_core.cli.console import notice, print_json, stdout
from floe_core.cli.options import Json, On, Product

ENVIRONMENT = 3


def check(product: Product = Path(), on: On = None, as_json: Json = False) -> None:
    """Check that the manifest's orchestrator can be reached and is healthy, within 10 seconds.

    With --on and no product in the folder, checks the orchestrator's default address.
    """
    from dataclasses import asdict

    name, settings = _orchestrator(product, on)
    from floe_core import plugin_registry

    result = plugin_registry.load(name, settings).validate_connection()
    if as_json:
        print_json({"orchestrator": name, **asdict(result)})
    else:
        mark = "[green]healthy[/]" if result.success else "[red]unhealthy[/]"
        stdout().print(f"[bold]{name}[/]: {mark}")
        stdout().print(result.message, markup=False)
        for text in [*result.errors, *result.warnings]:
            stdout().print(f"  - {text}", markup=False, soft_wrap=True)
    raise typer.Exit(0 if result.success else ENVIRONMENT)


def _orchestrator(product: Path, on: str | None) -> tuple[str, dict[str, object]]:
    """Return the orchestrator's name and settings; the manifest's apply to its own plugin only."""
    from floe_core.compiler.findings import Findings
    from floe_core.compiler.inputs import FLOE_FILE, read_inputs
    from floe_core.compiler.settings import plugin_settings

    if on is not None and not (product / FLOE_FILE).exists():
        return on, {}
    manifest = read_inputs(product.absolute(), Findings(notice)).manifest
    chosen = manifest.plugins.orchestrator.type
    settings = plugin_settings(manifest)
    return (chosen, settings) if on in (None, chosen) else (str(on), {})
