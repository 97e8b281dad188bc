"""Check `plugins.orchestrator.config.helm` of the manifest, by the schema of the plugin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from floe_core import plugin_registry
from floe_core.compiler.inputs import Inputs
from floe_core.plugin_api.helm.settings import helm_settings
from floe_core.plugin_api.powers import ChartOwner

_PLACE = ("plugins", "orchestrator", "config", "helm")


def check_helm_section(inputs: Inputs) -> None:
    """Raise every problem of the section, each at its line, if the plugin ships a chart.

    Raises:
        InvalidProductError: The section is wrong.
        PluginError: The plugin does not load.
    """
    chosen = inputs.manifest.plugins.orchestrator
    section = chosen.config.get("helm")
    if not section or chosen.type not in plugin_registry.installed():
        return
    plugin = plugin_registry.load(chosen.type)
    if not isinstance(plugin, ChartOwner):
        return
    document = inputs.manifest_document
    below = {
        place[len(_PLACE) :]: spot
        for place, spot in document.spots.items()
        if place[: len(_PLACE)] == _PLACE
    }
    if isinstance(section, Mapping):
        document = replace(document, data=dict(section), spots=below)
    helm_settings(plugin.helm_settings_model(), {"helm": section}, document)
