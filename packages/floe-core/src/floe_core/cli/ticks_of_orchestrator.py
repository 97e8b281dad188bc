"""Compute the ticks of a schedule with an orchestrator's own code, through its plugin."""

from __future__ import annotations

from datetime import datetime

from floe_core.schemas.policies import Schedule

JOB = "ticks"


def ticks_of_orchestrator(
    name: str, schedule: Schedule, start: datetime, end: datetime
) -> list[datetime]:
    """Return the ticks from `start` to before `end`, in UTC, as the orchestrator computes them.

    Raises:
        UsageError: The plugin cannot compute ticks.
        PluginError: The plugin does not exist.
    """
    from floe_core import plugin_registry
    from floe_core.foundation.errors import UsageError
    from floe_core.plugin_api.powers import TickReporter
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts, OrchestratorChoice, Product
    from floe_core.schemas.policies import DbtProject, Job

    plugin = plugin_registry.load(name, {})
    if not isinstance(plugin, TickReporter):
        raise UsageError(f"the plugin '{name}' cannot compute its orchestrator's ticks")
    nothing = DbtProject(project_name="", profile_name="", target_name="", adapter="", version="")
    artifacts = CompiledArtifacts(
        product=Product(name=JOB, version="1.0.0"),
        orchestrator=OrchestratorChoice(name=name),
        dbt=nothing,
        nodes=(),
        jobs=(Job(name=JOB, schedule=schedule),),
    )
    return plugin.ticks_of(artifacts, JOB, start, end)
