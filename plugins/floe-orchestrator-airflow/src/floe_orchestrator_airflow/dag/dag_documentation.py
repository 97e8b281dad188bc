"""The documentation that Airflow shows with a DAG."""

from __future__ import annotations

from collections import Counter

from floe_core.schedules.ownership import other_owner
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.schemas.policies import Job

MAX_ITEMS = 100


def dag_documentation(artifacts: CompiledArtifacts, job: Job) -> str:
    """Return Markdown about the product and what this job builds."""
    product = artifacts.product
    nodes = artifacts.nodes_of(job)
    facts = {
        "Product": f"{product.name} {product.version}",
        "Job": job.name,
        "Owner": product.owner,
        "Schedule in floe.yaml": _schedule(job, artifacts.orchestrator.name),
        "Started by updates of": _ports(job),
        "Builds": _counts(nodes),
        "dbt project": f"{artifacts.dbt.project_name} ({artifacts.dbt.adapter})",
    }
    lines = [f"* **{name}**: {value}" for name, value in facts.items() if value]
    return "\n".join([product.description, "", *lines, "", *_relations(nodes)]).strip()


def _schedule(job: Job, here: str) -> str:
    if job.schedule is None:
        return "none"
    off = "not enabled in floe.yaml" if job.schedule.since is None else "paused with floe"
    off = other_owner(job.owner, here) or off
    state = "" if job.schedule.enabled else f", {off}"
    return f"`{job.schedule.cron}` {job.schedule.timezone}{state}"


def _ports(job: Job) -> str:
    if job.trigger is None:
        return ""
    how = "" if job.trigger.enabled else ", not enabled"
    return f"{job.trigger.on_update} of {', '.join(job.trigger.ports)}{how}"


def _counts(nodes: tuple[Node, ...]) -> str:
    counts = Counter(node.resource_type for node in nodes)
    words = {"unit_test": "unit test"}
    return ", ".join(
        f"{count} {words.get(kind, kind)}{'s' if count > 1 else ''}"
        for kind, count in sorted(counts.items())
    )


def _relations(nodes: tuple[Node, ...]) -> list[str]:
    """Return a Markdown list, as Airflow's dialog is too narrow for a table of relation names."""
    relations = [node for node in nodes if node.is_relation]
    items = [_item(node) for node in relations[:MAX_ITEMS]]
    more = [f"\n... and {len(relations) - MAX_ITEMS} more"] if len(relations) > MAX_ITEMS else []
    return ["It makes:", "", *items, *more] if items else []


def _item(node: Node) -> str:
    kind = node.materialization or node.resource_type
    description = f": {_one_line(node.description)}" if node.description else ""
    return f"* **{node.label}**, {kind} `{node.relation_name}`{description}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
