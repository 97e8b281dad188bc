"""Refuse what an orchestrator can't express of a product, unless floe.yaml waives it."""

from __future__ import annotations

from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.plugin_interfaces import OrchestratorPlugin
from floe_core.plugin_powers import ConceptExplainer, UpdateStarter
from floe_core.product_concepts import CONCEPTS
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


def refuse_losses(
    artifacts: CompiledArtifacts, plugin: OrchestratorPlugin, inputs: Inputs, findings: Findings
) -> None:
    """Note every loss that is not waived, and every waiver of what is no concept."""
    document, waived = inputs.spec_document, inputs.spec.waivers
    for place, name in enumerate(waived):
        if name not in CONCEPTS:
            what = f"waivers: there is no concept '{name}'"
            fix = f"choose from: {'; '.join(CONCEPTS)}"
            findings.add(document.problem(("waivers", place), what, fix))
    _refuse_updates(artifacts, plugin, inputs, findings)
    if not isinstance(plugin, ConceptExplainer):
        return
    for concept in plugin.concepts(artifacts):
        if not concept.loss:
            continue
        if concept.name in waived:
            findings.notice(f"waived on {plugin.name}: {concept.name}: {concept.loss}")
            continue
        what = f"{plugin.name} can't express this product's {concept.name}: {concept.loss}"
        fix = f'change it, or accept the loss with `waivers: ["{concept.name}"]` in floe.yaml'
        findings.add(document.problem((), what, fix))


def _refuse_updates(
    artifacts: CompiledArtifacts, plugin: OrchestratorPlugin, inputs: Inputs, findings: Findings
) -> None:
    """Note jobs that updates of ports start, where nothing would."""
    jobs = [job.name for job in artifacts.jobs if job.trigger is not None and job.trigger.enabled]
    if not jobs or isinstance(plugin, UpdateStarter):
        return
    loss = f"nothing starts {', '.join(jobs)} when ports are updated"
    if "schedule" in inputs.spec.waivers:
        findings.notice(f"waived on {plugin.name}: schedule: {loss}")
        return
    what = f"{plugin.name} can't express this product's schedule: {loss}"
    fix = 'use `cron`, or accept the loss with `waivers: ["schedule"]` in floe.yaml'
    findings.add(inputs.spec_document.problem((), what, fix))
