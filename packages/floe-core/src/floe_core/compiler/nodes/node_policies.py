"""Read a dbt node's settings for its own execution, under `meta.floe`, and check its pools."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from floe_core.compiler.code.lag_tolerance import LagToleranceSpec
from floe_core.compiler.code.reuse_facts import CONTENT, NEVER
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.foundation.errors import Problem
from floe_core.schemas.frozen import PoolName, YamlModel
from floe_core.schemas.nodes import Node
from floe_core.schemas.text_forms import POOL_NAME

KEY = "floe"


class NodePolicySpec(YamlModel):
    """What `meta.floe` may hold; times in seconds."""

    retries: Annotated[int, Field(ge=0, le=100)] | None = None
    timeout_seconds: Annotated[int, Field(ge=1, le=604_800)] | None = None
    pool: PoolName | None = None
    reuse: Literal["never", "content"] | LagToleranceSpec | None = None


def with_policies(nodes: Sequence[Node], inputs: Inputs, findings: Findings) -> tuple[Node, ...]:
    """Return the nodes with their own retries, timeout and pool.

    A node's `timeout` requires dbt in floe's process: the product's own dbt has no way to end a
    single node.
    """
    execution = inputs.spec.execution
    changed = []
    for node in nodes:
        _check_unbuilt(node, findings)
        policy = _policy(node, findings) if KEY in node.meta and node.is_runnable else None
        if policy is None:
            changed.append(node)
            continue
        if policy.pool and node.pool not in ("", policy.pool):
            what = f"pool: '{policy.pool}', and '{node.pool}' in floe.yaml; a node is in one pool"
            _add(findings, node, what, "keep one of them")
        if policy.timeout_seconds and execution.dbt_executable:
            what = "timeoutSeconds: a node can't be timed where floe.yaml has `dbtExecutable`"
            _add(findings, node, what, "leave it out; `execution.timeoutSeconds` times the build")
        has_content = node.is_relation and node.materialization != "view"
        if policy.reuse == CONTENT and not has_content:
            what = f"reuse: '{CONTENT}' hashes a table, and this is a {_kind(node)}"
            _add(findings, node, what, "leave it out")
        update = {
            "retries": policy.retries,
            "timeout_seconds": policy.timeout_seconds,
            "pool": policy.pool or node.pool,
        }
        changed.append(node.model_copy(update=update))
    return tuple(changed)


def _kind(node: Node) -> str:
    return node.materialization if node.is_relation else node.resource_type.replace("_", " ")


def _check_unbuilt(node: Node, findings: Findings) -> None:
    """Report settings of a source or an exposure that apply only to nodes that run."""
    given = node.meta.get(KEY)
    if node.is_runnable or not isinstance(given, dict):
        return
    if "pool" in given:
        what = f"pool: a {node.resource_type} does not run, so it takes no slot"
        _add(findings, node, what, "leave it out, or put what reads it into the pool")
    if node.resource_type == "source" and given.get("reuse", NEVER) not in (CONTENT, NEVER):
        what = f"reuse: {given['reuse']!r} is neither '{CONTENT}' nor '{NEVER}'"
        fix = f"write '{CONTENT}' to have its rows hashed, or '{NEVER}' if it is always new"
        _add(findings, node, what, fix)


def _policy(node: Node, findings: Findings) -> NodePolicySpec | None:
    given = node.meta[KEY]
    if not isinstance(given, dict):
        known = ", ".join(_keys())
        _add(findings, node, f"{given!r} is not a mapping", f"write a mapping with: {known}")
        return None
    try:
        return NodePolicySpec.model_validate(given)
    except ValidationError as error:
        for found in error.errors():
            key = str(found["loc"][0])
            _add(findings, node, *_explain(found["type"], key, given.get(key)))
        return None


def _explain(kind: str, key: str, given: Any) -> tuple[str, str]:
    if kind == "extra_forbidden" and key not in _keys():
        near = get_close_matches(key, _keys(), n=1)
        fix = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(_keys())}"
        return f"unknown key '{key}'", fix
    if key == "pool":
        return f"{key}: {given!r} is not {POOL_NAME.kind}", POOL_NAME.rule
    expected = {
        "retries": "a whole number from 0 to 100",
        "timeoutSeconds": "a whole number of seconds from 1 to 604800",
        "reuse": f"'{NEVER}', '{CONTENT}' or {{lagTolerance: 1 h}}",
    }
    return f"{key}: {given!r} is not {expected[key]}", f"write {expected[key]}"


def _keys() -> list[str]:
    return [field.alias or name for name, field in NodePolicySpec.model_fields.items()]


def _add(findings: Findings, node: Node, what: str, fix: str) -> None:
    findings.add(Problem(f"meta.{KEY} of {node.unique_id}: {what}", fix, node.path))


def check_pools(nodes: Iterable[Node], inputs: Inputs, findings: Findings) -> None:
    """Note each node that could never get a slot in its pool, or can't wait for one."""
    spec = inputs.spec
    of_builds = {spec.execution.pool: "execution.pool"} if spec.execution.pool else {}
    of_builds |= {job.pool: f"the pool of job '{job.name}'" for job in spec.jobs if job.pool}
    for node in nodes:
        if not node.pool:
            continue
        if node.pool in of_builds:
            what = f"'{node.pool}' is {of_builds[node.pool]} as well: a build that holds a slot"
            fix = "name another pool: one for builds, one for nodes"
            findings.add(_problem(node, inputs, f"{what} of it could wait for itself", fix))
        if spec.execution.dbt_executable and not node.is_step:
            what = "a node can't be held back where floe.yaml has `dbtExecutable`"
            fix = "put the node into a job of its own, with `jobs[].pool`"
            findings.add(_problem(node, inputs, what, fix))


def _problem(node: Node, inputs: Inputs, what: str, fix: str) -> Problem:
    """Return a problem at the line of floe.yaml that puts the node into its pool, or its file."""
    spec, document = inputs.spec, inputs.spec_document
    entries = {
        "steps": [each.name if node.is_step else "" for each in spec.steps],
        "transforms": [each.name if each.pool else "" for each in spec.transforms],
    }
    for section, names in entries.items():
        if node.name in names:
            place = (section, names.index(node.name), "pool")
            return document.problem(place, f"pool of '{node.name}': {what}", fix)
    return Problem(f"meta.{KEY} of {node.unique_id}: pool: {what}", fix, node.path)
