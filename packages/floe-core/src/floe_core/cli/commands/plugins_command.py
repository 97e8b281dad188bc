"""`floe plugins`: list the orchestrator plugins that are installed."""

from __future__ import annotations

from floe_core.cli.console import print_json, stdout
from floe_core.cli.options import Json


def plugins(as_json: Json = False) -> None:
    """List the installed orchestrator plugins; each is loaded to check that it works."""
    from rich.markup import escape

    from floe_core import plugin_registry
    from floe_core.foundation.errors import PluginError
    from floe_core.foundation.extras import install_command

    rows = []
    for found in plugin_registry.describe():
        row = {"name": found.name, "distribution": found.distribution, "target": found.target}
        try:
            plugin = plugin_registry.load(found.name)
            row |= {"version": plugin.version, "api": plugin.floe_api_version, "error": ""}
        except PluginError as error:
            row |= {"version": "", "api": "", "error": str(error)}
        rows.append(row)
    if as_json:
        print_json(rows)
        return
    console = stdout()
    if not rows:
        advice = escape(install_command("dagster"))
        console.print(f"no orchestrator plugin is installed; try {advice}")
    for row in rows:
        state = f"[red]{escape(row['error'])}[/]" if row["error"] else f"floe API {row['api']}"
        console.print(f"[bold]{row['name']:<12}[/] {row['distribution']:<36} {state}")
