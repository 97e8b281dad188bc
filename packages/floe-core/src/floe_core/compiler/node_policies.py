"""Read what a dbt node says of its own execution, under `meta.floe`."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.errors import Problem
from floe_core.schemas.nodes import Node
from floe_core.schemas.yaml_model import ShortText, YamlModel

KEY = "floe"
CONTENT = "content"


class NodePolicySpec(YamlModel):
    """What `meta.floe` may hold; times in seconds."""

    retries: Annotated[int, Field(ge=0, le=100)] | None = None
    timeout_seconds: Annotated[int, Field(ge=1, le=604_800)] | None = None
    pool: ShortText | None = None
    reuse: Literal["never"] | None = None


def with_policies(
    nodes: Sequence[Node], inputs: Inputs, findings: Findings
) -> tuple[tuple[Node, ...], str]:
    """Return the nodes with retries and timeout of their own, and the pool of the product.

    A build holds one pool, so the nodes and floe.yaml may name only one between them. `timeout` of
    a node needs floe's own process: a dbt of the product's own can't be told to end one node.
    """
    execution = inputs.spec.execution
    pools = {execution.pool: "floe.yaml"} if execution.pool else {}
    changed = []
    for node in nodes:
        _check_source(node, findings)
        policy = _policy(node, findings) if KEY in node.meta and node.is_runnable else None
        if policy is None:
            changed.append(node)
            continue
        if policy.pool:
            pools.setdefault(policy.pool, _place(node))
        if policy.timeout_seconds and execution.dbt_executable:
            what = "timeoutSeconds: a node can't be timed where floe.yaml has `dbtExecutable`"
            _add(findings, node, what, "leave it out; `execution.timeoutSeconds` times the build")
        update = {"retries": policy.retries, "timeout_seconds": policy.timeout_seconds}
        changed.append(node.model_copy(update=update))
    if len(pools) > 1:
        named = ", ".join(f"'{pool}' ({place})" for pool, place in sorted(pools.items()))
        what = f"a product runs in one pool, and several are named: {named}"
        findings.add(Problem(what, "keep one of them", "floe.yaml"))
    return tuple(changed), next(iter(pools), "")


def _check_source(node: Node, findings: Findings) -> None:
    """Report a `reuse` of a source that says something else than how its version is known."""
    given = node.meta.get(KEY)
    if node.resource_type != "source" or not isinstance(given, dict):
        return
    if given.get("reuse", CONTENT) != CONTENT:
        what = f"reuse: {given['reuse']!r} is not '{CONTENT}', which hashes the source's rows"
        _add(findings, node, what, f"write '{CONTENT}', or leave it out: then it is always new")


def _policy(node: Node, findings: Findings) -> NodePolicySpec | None:
    given = node.meta[KEY]
    if not isinstance(given, dict):
        known = ", ".join(_keys())
        _add(findings, node, f"{given!r} is no mapping", f"write a mapping with: {known}")
        return None
    try:
        return NodePolicySpec.model_validate(given)
    except ValidationError as error:
        for found in error.errors():
            _add(findings, node, *_explained(found["type"], found["loc"], found["input"]))
        return None


def _explained(kind: str, location: tuple[int | str, ...], given: Any) -> tuple[str, str]:
    key = str(location[0])
    if kind == "extra_forbidden":
        near = get_close_matches(key, _keys(), n=1)
        fix = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(_keys())}"
        return f"unknown key '{key}'", fix
    expected = {
        "retries": "a whole number from 0 to 100",
        "timeoutSeconds": "a whole number of seconds from 1 to 604800",
        "pool": "the name of a pool",
        "reuse": "'never'",
    }
    return f"{key}: {given!r} is not {expected[key]}", f"write {expected[key]}"


def _keys() -> list[str]:
    return [field.alias or name for name, field in NodePolicySpec.model_fields.items()]


def _add(findings: Findings, node: Node, what: str, fix: str) -> None:
    findings.add(Problem(f"{_place(node)}: {what}", fix, node.path))


def _place(node: Node) -> str:
    return f"meta.{KEY} of {node.unique_id}"
