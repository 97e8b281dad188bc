"""Run a compiled product on this machine, through its orchestrator's own engine."""

from __future__ import annotations

from collections.abc import Callable

from floe_core import plugin_registry
from floe_core.foundation.errors import PluginError
from floe_core.plugin_api.powers import RunLauncher, RunOptions, RunReport
from floe_core.runs.build_events import BuildEvent
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


def launch(
    artifacts: CompiledArtifacts,
    options: RunOptions,
    on_event: Callable[[BuildEvent], None],
    started: RunLauncher | None = None,
) -> RunReport:
    """Run to the end and return the orchestrator's own report; `started` was started early.

    Raises:
        PluginError: The plugin cannot launch runs here.
        EnvironmentProblemError: The orchestrator could not be started.
    """
    if started is not None:
        return started.launch_run(artifacts, options, on_event)
    choice = artifacts.orchestrator
    plugin = plugin_registry.load(choice.name, choice.config)
    if not isinstance(plugin, RunLauncher):
        raise PluginError(
            f"the plugin '{choice.name}' cannot run a product here; start the run in {choice.name}"
        )
    return plugin.launch_run(artifacts, options, on_event)
