"""Check the pools of nodes against the pools of whole builds."""

from __future__ import annotations

from collections.abc import Iterable

from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.compiler.nodes.node_policies import KEY
from floe_core.foundation.errors import Problem
from floe_core.schemas.nodes import Node


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
