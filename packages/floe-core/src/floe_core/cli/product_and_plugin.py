"""Load a compiled product and the plugin of its orchestrator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from floe_core.plugin_interfaces import OrchestratorPlugin
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts


def product_and_plugin(
    product: Path, on: str | None
) -> tuple[CompiledArtifacts, OrchestratorPlugin]:
    """Return the compiled product, and a plugin configured to change and report its schedules.

    Without a `url` in the manifest, the plugin reaches the orchestrator of a running `floe dev`.
    """
    from floe_core import plugin_registry
    from floe_core.cli.running_dev import running_dev
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts

    artifacts = CompiledArtifacts.load(product.absolute())
    chosen = artifacts.orchestrator
    settings = dict(chosen.config) if on in (None, chosen.name) else {}
    settings["project_dir"] = str(artifacts.project_dir)
    if not settings.get("url"):
        with running_dev(product, on or chosen.name) as dev:
            settings |= dev.settings if dev is not None else {}
    return artifacts, plugin_registry.load(on or chosen.name, settings)
