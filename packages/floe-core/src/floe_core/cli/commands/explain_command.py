"""`floe explain`: what each part of a product becomes on an orchestrator."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from floe_core.cli.console import print_json, stdout
from floe_core.cli.fresh_product import read_or_compile
from floe_core.cli.options import Env, Json, On, Product
from floe_core.foundation.stages import begin_stage

if TYPE_CHECKING:
    from floe_core.plugin_api.powers import Concept


def explain(
    product: Product = Path(), on: On = None, env: Env = None, as_json: Json = False
) -> None:
    """Show what each concept of a product becomes on an orchestrator, and what it can't express.

    Schedules are the current ones, as in `floe schedule list`.

    `floe compile` refuses what can't be expressed, unless `waivers` of floe.yaml names the concept.
    """
    from floe_core import plugin_registry
    from floe_core.foundation.errors import PluginError
    from floe_core.plugin_api.powers import ConceptExplainer
    from floe_core.schedules.live_schedules import with_live_schedules

    compiled = read_or_compile(product, on, refuses_losses=False)
    artifacts = with_live_schedules(compiled.bound_to(product.absolute()))
    choice = artifacts.orchestrator
    begin_stage(f"asking the plugin of {choice.name}")
    plugin = plugin_registry.load(choice.name, choice.config)
    if not isinstance(plugin, ConceptExplainer):
        raise PluginError(f"the plugin '{choice.name}' does not explain what it makes of a product")
    found = plugin.concepts(artifacts)
    if as_json:
        print_json({"orchestrator": choice.name, "concepts": [asdict(c) for c in found]})
        return
    _print(choice.name, found)


def _print(orchestrator: str, concepts: list[Concept]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("concept", "in this product", f"on {orchestrator}"):
        table.add_column(heading, overflow="fold")
    for concept in concepts:
        loss = f"\n[red]can't be expressed: {escape(concept.loss)}[/]" if concept.loss else ""
        here = escape(concept.here) or "[dim]none[/]"
        table.add_row(escape(concept.name), here, escape(concept.becomes) + loss)
    stdout().print(table)
