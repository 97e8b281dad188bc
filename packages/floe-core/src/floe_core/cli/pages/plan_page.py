"""A plan as a self-contained HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from floe_core.cli.pages.html_page import fill_page, template_of
from floe_core.cli.plan_history import history_rows

if TYPE_CHECKING:
    from floe_core.execution.record.saved_time import RunSaving
    from floe_core.execution.reuse.planned_build import PlannedBuild
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts
    from floe_core.schemas.nodes import Node


def plan_page(
    artifacts: CompiledArtifacts,
    planned: PlannedBuild,
    summary: str,
    savings: Sequence[RunSaving],
) -> str:
    """Return the page: the graph of built and reused nodes, the reasons, and past savings."""
    texts = {"product": artifacts.product.name, "summary": summary}
    return fill_page(template_of("plan_page.html"), texts, page_data(artifacts, planned, savings))


def page_data(
    artifacts: CompiledArtifacts, planned: PlannedBuild, savings: Sequence[RunSaving]
) -> dict[str, Any]:
    """Return the data of the page.

    `nodes` has the planned nodes except tests, and the nodes that they read, with action "read". A
    test is listed under each of these nodes that it reads, or else in `other_tests`.
    """
    planned_ids = [i for i in planned.decisions if not artifacts.by_id[i].is_test]
    read = {p for i in planned_ids for p in artifacts.by_id[i].depends_on}
    shown = [*planned_ids, *sorted(read.difference(planned_ids))]
    tests = [artifacts.by_id[i] for i in planned.decisions if artifacts.by_id[i].is_test]
    return {
        "problem": planned.problem,
        "is_on": artifacts.execution.reuse != "off",
        "nodes": [_node(artifacts, planned, node_id, tests) for node_id in shown],
        "other_tests": [
            _decision(planned, test) for test in tests if not set(shown) & {*test.depends_on}
        ],
        "history": history_rows(savings),
    }


def _node(
    artifacts: CompiledArtifacts, planned: PlannedBuild, node_id: str, tests: Sequence[Node]
) -> dict[str, Any]:
    node = artifacts.by_id[node_id]
    return {
        **_decision(planned, node),
        "kind": node.resource_type,
        "materialization": node.materialization,
        "reads": list(node.depends_on),
        "tests": [_decision(planned, test) for test in tests if node_id in test.depends_on],
    }


def _decision(planned: PlannedBuild, node: Node) -> dict[str, Any]:
    decision = planned.decisions.get(node.unique_id)
    label = f"{node.source_name}.{node.name}" if node.source_name else node.label
    return {
        "id": node.unique_id,
        "label": label,
        "action": decision.action if decision else "read",
        "why": decision.why if decision else "",
        "seconds": decision.seconds if decision else None,
        "diff": planned.code_change(node.unique_id) if decision else "",
    }
