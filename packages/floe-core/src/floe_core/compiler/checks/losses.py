"""Refuse a product's concepts that the orchestrator can't express, unless floe.yaml waives them."""

from __future__ import annotations

from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.plugin_api.powers import ConceptExplainer, NodePools, UpdateStarter
from floe_core.plugin_interfaces import OrchestratorPlugin
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


def refuse_losses(
    artifacts: CompiledArtifacts, plugin: OrchestratorPlugin, inputs: Inputs, findings: Findings
) -> None:
    """Note every loss that is not waived."""
    _refuse_updates(artifacts, plugin, inputs, findings)
    _refuse_pools_of_nodes(artifacts, plugin, inputs, findings)
    if not isinstance(plugin, ConceptExplainer):
        return
    for concept in plugin.concepts(artifacts):
        if concept.loss:
            _refuse(concept.name, concept.loss, "change it", plugin, inputs, findings)


def _refuse_updates(
    artifacts: CompiledArtifacts, plugin: OrchestratorPlugin, inputs: Inputs, findings: Findings
) -> None:
    """Note jobs with `onUpdate`, if the plugin can't start jobs on updates of ports."""
    jobs = [job.name for job in artifacts.jobs if job.trigger is not None and job.trigger.enabled]
    if not jobs or isinstance(plugin, UpdateStarter):
        return
    loss = f"nothing starts {', '.join(jobs)} when ports are updated"
    _refuse("schedule", loss, "use `cron`", plugin, inputs, findings)


def _refuse_pools_of_nodes(
    artifacts: CompiledArtifacts, plugin: OrchestratorPlugin, inputs: Inputs, findings: Findings
) -> None:
    """Note nodes that are in a pool, if the plugin has no pools of nodes."""
    pools = sorted(set(artifacts.pools_of_nodes.values()))
    if not pools or isinstance(plugin, NodePools) or _reports_loss(artifacts, plugin, "pool"):
        return
    loss = (
        f"nodes are in {', '.join(pools)}, and no part of a build can take a slot of a pool there"
    )
    instead = "put the nodes into a job of their own, and that into the pool with `jobs[].pool`"
    _refuse("pool", loss, instead, plugin, inputs, findings)


def _reports_loss(artifacts: CompiledArtifacts, plugin: OrchestratorPlugin, concept: str) -> bool:
    """Return whether the plugin itself reports a loss of this concept."""
    concepts = plugin.concepts(artifacts) if isinstance(plugin, ConceptExplainer) else ()
    return any(each.loss for each in concepts if each.name == concept)


def _refuse(
    concept: str,
    loss: str,
    instead: str,
    plugin: OrchestratorPlugin,
    inputs: Inputs,
    findings: Findings,
) -> None:
    """Note a loss, unless its concept is waived."""
    if concept in inputs.spec.waivers:
        findings.notice(f"waived on {plugin.name}: {concept}: {loss}")
        return
    what = f"{plugin.name} can't express this product's {concept}: {loss}"
    fix = f'{instead}, or accept the loss with `waivers: ["{concept}"]` in floe.yaml'
    findings.add(inputs.spec_document.problem((), what, fix))
