"""The facts about nodes' results that users see in XComs and asset events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from floe_core.runs.build_events import NodeResult
from floe_core.schemas.nodes import Node

# The XCom with a task's facts, and what they call its times.
RESULT_KEY = "floe_result"
STARTED_AT, ENDED_AT = "started_at", "ended_at"


def facts_of_results(results: Sequence[NodeResult]) -> dict[str, Any]:
    """Return the facts of one node, or those of several together; times in ISO format, UTC."""
    facts = facts_of_result(results[0]) if len(results) == 1 else _of_several(results)
    starts = [result.started_at for result in results if result.started_at]
    ends = [result.ended_at for result in results if result.ended_at]
    times = {STARTED_AT: min(starts).isoformat(), ENDED_AT: max(ends).isoformat()} if starts else {}
    return {**facts, **times}


def facts_of_result(result: NodeResult) -> dict[str, Any]:
    """Return the facts about a node's result that users see, without its times."""
    facts = {
        "status": result.status,
        "seconds": result.seconds,
        "rows": result.rows,
        "failures": result.failures or None,
        "partitions": dict(result.partitions) or None,
    }
    return {name: value for name, value in facts.items() if value is not None}


def asset_event_facts(node: Node, result: NodeResult) -> dict[str, Any]:
    """Return the facts about the node and its run for the event of an asset."""
    names = {"unique_id": node.unique_id}
    if node.is_relation:
        names["relation"] = node.relation_name
    return {**names, **facts_of_result(result)}


def _of_several(results: Sequence[NodeResult]) -> dict[str, Any]:
    status = "success" if all(result.passed for result in results) else "error"
    seconds = round(sum(result.seconds for result in results), 3)
    return {"status": status, "nodes": len(results), "seconds": seconds}
