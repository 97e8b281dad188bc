"""A plan as a self-contained HTML page, and what past runs saved, for the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from floe_core.cli.console import count_of, stdout
from floe_core.cli.pages.html_page import fill_page, template_of

if TYPE_CHECKING:
    from floe_core.execution.record.past_runs import RunSaving
    from floe_core.execution.reuse.planned_build import PlannedBuild
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts
    from floe_core.schemas.nodes import Node


def history_rows(savings: Sequence[RunSaving]) -> list[dict[str, Any]]:
    """Return runs as JSON, oldest first; times are ISO 8601 in UTC."""
    return [
        {
            "run_id": each.run_id,
            "ended_at": each.ended_at.isoformat(timespec="seconds"),
            "built": each.built,
            "reused": each.reused,
            "build_seconds": each.build_seconds,
            "saved_seconds": each.saved_seconds,
            "saved_rows": each.saved_rows,
        }
        for each in savings
    ]


def history_markdown(savings: Sequence[RunSaving]) -> str:
    """Return runs as a Markdown table."""
    head = ["| ended (UTC) | run | ran | reused | seconds | saved | rows saved |"]
    head += ["| --- | --- | ---: | ---: | ---: | ---: | ---: |"]
    rows = (" | ".join(_cells(each)) for each in savings)
    return "\n".join([*head, *(f"| {row} |" for row in rows), "", total_of(savings)])


def print_history(savings: Sequence[RunSaving]) -> None:
    """Print runs as a table, with their total savings."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("ended (UTC)")
    table.add_column("run")
    for title in ("ran", "reused", "seconds", "saved", "rows saved"):
        table.add_column(title, justify="right")
    for each in savings:
        table.add_row(*map(escape, _cells(each)))
    if savings:
        stdout().print(table)
    stdout().print(total_of(savings))


def total_of(savings: Sequence[RunSaving]) -> str:
    """Return the total savings of runs as a sentence."""
    saved = sum(each.saved_seconds for each in savings)
    ran = sum(each.build_seconds for each in savings)
    share = f" ({saved / (saved + ran):.0%} of all)" if saved else ""
    return f"{count_of(len(savings), 'run')}: {ran:.1f} s of building, {saved:.1f} s saved{share}"


def _cells(saving: RunSaving) -> list[str]:
    return [
        f"{saving.ended_at:%Y-%m-%d %H:%M}",
        saving.run_id,
        str(saving.built),
        str(saving.reused),
        f"{saving.build_seconds:.1f}",
        f"{saving.saved_seconds:.1f}",
        f"{saving.saved_rows:,}",
    ]


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
