"""Resolve the manifest's environments: what each changes; none may change the graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from floe_core.compiler.dbt.graph import nodes_in
from floe_core.compiler.dbt.parse import Dbt
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.compiler.jobs.product_schedules import environment_schedules
from floe_core.compiler.jobs.resolve_jobs import MAX_NAMED, take_nodes
from floe_core.compiler.nodes.node_policies import with_policies
from floe_core.compiler.nodes.refine import refine
from floe_core.compiler.nodes.steps import StepsInGraph, add_steps
from floe_core.compiler.ports.input_ports import PORT_FIELDS
from floe_core.compiler.profile import Profile, profile_of_environment
from floe_core.foundation.errors import InvalidProductError, Problem
from floe_core.foundation.stages import begin_stage
from floe_core.schemas.artifacts_fields import EnvironmentValues
from floe_core.schemas.manifest_yaml import Environment
from floe_core.schemas.nodes import Node
from floe_core.schemas.policies import Job
from floe_core.schemas.resources import ResourceSpec

# The fields of a node that define the graph; the rest are values.
_GRAPH = ("depends_on", "tested", "resource_type", "fqn", "name", "package", "source_name")
# Fields that no dbt selection depends on.
_UNSELECTED = frozenset(
    {"database", "schema_name", "identifier", "config_hash", "macros_hash", "checksum"}
)
# (profile, vars, where dbt may write, name of the environment) -> dbt
MakeDbt = Callable[[Profile, Mapping[str, Any], Path, str], Dbt]


@dataclass(frozen=True)
class ResolvedEnvironments:
    """By environment name: what each changes, and dbt's parse if it differs.

    `outputs` is dbt's target -> output, for outputs that are not the product's own.
    """

    values: dict[str, EnvironmentValues]
    caches: dict[str, bytes]
    outputs: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class CompiledBase:
    """The product without any environment."""

    profile: Profile
    nodes: Sequence[Node]
    jobs: Sequence[Job]


def resolve_environments(
    inputs: Inputs,
    base: CompiledBase,
    make_dbt: MakeDbt,
    change_profile: Callable[[Profile], Profile],
    work: Path,
    findings: Findings,
) -> ResolvedEnvironments:
    """Return what the environments change. Problems are noted at the environment's line."""
    found = ResolvedEnvironments({}, {}, {})
    for name, spec in inputs.manifest.environments.items():
        try:
            profile = profile_of_environment(inputs, base.profile, name, spec, change_profile)
            _add_output(found.outputs, base.profile, profile)
            schedules = environment_schedules(inputs, name, {j.name: j.schedule for j in base.jobs})
            nodes: dict[str, dict[str, Any]] = {}
            if profile != base.profile or spec.vars:
                begin_stage(f"dbt parses the project for {name}")
                own_vars = {**inputs.spec.vars, **spec.vars}
                dbt = make_dbt(profile, own_vars, work / name, name)
                nodes = _find_changed_nodes(inputs, base, dbt, own_vars, name, found.caches)
        except InvalidProductError as error:
            _note(error, inputs, name, findings)
        else:
            values = _values(spec, base.profile, profile)
            found.values[name] = values.model_copy(update={"nodes": nodes, "schedules": schedules})
    return found


def _values(spec: Environment, base: Profile, profile: Profile) -> EnvironmentValues:
    is_other = profile != base
    return EnvironmentValues(
        target_name=profile.target if is_other else "",
        profile=profile.output if is_other else {},
        value_sources=dict(profile.value_sources) if is_other else {},
        vars=spec.vars,
        max_parallel=spec.threads,
        lineage_namespace=spec.lineage.namespace or "",
        triggers_enabled=spec.schedules.enabled,
        resources={
            size: ResourceSpec(**preset.model_dump())
            for size, preset in spec.resource_presets.items()
        },
    )


def _add_output(outputs: dict[str, dict[str, Any]], base: Profile, profile: Profile) -> None:
    known = {base.target: base.output, **outputs}
    if known.get(profile.target, profile.output) != profile.output:
        what = f"another environment has other settings for dbt's target '{profile.target}'"
        raise InvalidProductError([Problem(what, "give each a `target` of its own")])
    if profile.target != base.target:
        outputs[profile.target] = profile.output


def _find_changed_nodes(
    inputs: Inputs,
    base: CompiledBase,
    dbt: Dbt,
    own_vars: Mapping[str, Any],
    name: str,
    caches: dict[str, bytes],
) -> dict[str, dict[str, Any]]:
    """Return node id -> field -> value for values that differ here, and keep dbt's parse."""
    parsed = dbt.parse()
    quiet = Findings(lambda notice: None)
    dbt_vars = inputs.dbt_vars(own_vars)
    found = nodes_in(parsed.manifest, inputs.product_dir, dbt_vars, reads_texts=inputs.reuses)
    found = _with_ports(found, base.nodes)
    nodes = with_policies(refine(found, inputs, quiet), inputs, quiet)
    _refuse_other_graph(base.nodes, nodes)
    changed = _differences(base.nodes, nodes)
    if any(fields.keys() - _UNSELECTED for fields in changed.values()):
        _refuse_other_selections(base.jobs, add_steps(nodes, inputs, quiet), dbt, own_vars)
    if parsed.cache is not None:
        caches[name] = parsed.cache
    return changed


def _with_ports(nodes: Sequence[Node], base: Sequence[Node]) -> tuple[Node, ...]:
    """Return the nodes, those behind input ports with their data from the base."""
    ports = {node.unique_id: node for node in base if node.port}
    return tuple(
        node.model_copy(update={field: getattr(port, field) for field in PORT_FIELDS})
        if (port := ports.get(node.unique_id))
        else node
        for node in nodes
    )


def _refuse_other_graph(ours: Sequence[Node], theirs: Sequence[Node]) -> None:
    one, other = (
        {n.unique_id: [getattr(n, f) for f in _GRAPH] for n in nodes} for nodes in (ours, theirs)
    )
    changed = sorted(i for i in one.keys() | other.keys() if one.get(i) != other.get(i))
    if changed:
        more = f" and {len(changed) - MAX_NAMED} more" if len(changed) > MAX_NAMED else ""
        what = "changes the graph, which is the same in every environment"
        fix = "let its target and vars change only values: nodes and edges must be the same"
        names = ", ".join(changed[:MAX_NAMED])
        raise InvalidProductError([Problem(f"{what}: {names}{more}", fix)])


def _differences(ours: Sequence[Node], theirs: Sequence[Node]) -> dict[str, dict[str, Any]]:
    others = {node.unique_id: node for node in theirs}
    found = {}
    for node in ours:
        other = others[node.unique_id]
        if other != node:
            fields = [f for f in type(node).model_fields if getattr(node, f) != getattr(other, f)]
            found[node.unique_id] = other.model_dump(mode="json", include=set(fields))
    return found


def _refuse_other_selections(
    jobs: Sequence[Job], graph: StepsInGraph, dbt: Dbt, own_vars: Mapping[str, Any]
) -> None:
    of_dbt = (node for node in graph.nodes if not (node.is_step or node.is_freshness))
    built = {node.unique_id for node in of_dbt if node.is_runnable}
    for job in jobs:
        if job.node_ids is None:
            continue
        dbt_of_job = dbt
        if job.vars:
            dbt_of_job = dbt.with_vars({**own_vars, **job.vars})
            dbt_of_job.parse()
        # Steps are the same everywhere.
        if built & set(take_nodes(job, dbt_of_job, graph)) != built & set(job.node_ids):
            what = f"the selection of job '{job.name}' takes other nodes"
            raise InvalidProductError([Problem(what, "select by what is the same everywhere")])


def _note(error: InvalidProductError, inputs: Inputs, name: str, findings: Findings) -> None:
    document = inputs.manifest_document
    for problem in error.problems:
        if problem.file == document.shown_as and problem.line:
            findings.add(problem)
            continue
        what = f"environment '{name}': {problem.what}"
        findings.add(document.problem(("environments", name), what, problem.fix, at_key=True))
