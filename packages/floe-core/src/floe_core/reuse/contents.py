"""What is built and comes to the content that it had: what reads it need not be built.

A version stands for a content. A relation that is built anew, of other code or inputs, and comes to
the same rows keeps the version of its last build, so that everything below it is as it was. Only
tables have a content that is hashed; a view is known by its query and what that reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from floe_core.reuse.catalogs.known import CATALOGS
from floe_core.reuse.plan import make_plan
from floe_core.reuse.situation import Decision, Plan, Situation
from floe_core.reuse.state import Standing

# Tables up to this size are hashed in the middle of a run; larger ones where `meta` asks for it.
CHEAP_ROWS = 1_000_000


def with_contents(given: Situation, plan: Plan) -> Plan:
    """Return the plan, where what depends on the content of what is built says so.

    A dbt in another process cannot be kept from building a node, once it has begun, and some
    warehouses can't be read while dbt runs.
    """
    dbt = given.artifacts.dbt
    if given.builds_all or dbt.executable or not CATALOGS[dbt.adapter].is_read_in_run:
        return plan
    compared = _hashed_in_run(given, plan)
    if not compared:
        return plan
    same = make_plan(replace(given, unchanged=compared))
    return {
        node_id: _waiting(given, plan, each, compared, node_id)
        if each.action == "build" and same[node_id].action == "reuse"
        else each
        for node_id, each in plan.items()
    }


def compared_nodes(given: Situation, plan: Plan) -> frozenset[str]:
    """Return the ids of what this plan builds for which content decides what is below it.

    Where that goes by the order of rows somewhere, as an unordered `limit` does, all that is built
    is new: which rows there are does not tell in which order they are.
    """
    before = given.state.entries
    entries = {**before, **{node_id: each.entry for node_id, each in plan.items()}}
    graph = given.artifacts.graph
    ordered = (i for i, e in entries.items() if e.by_row_order and i in graph.parents)
    left_out = graph.above(ordered)
    built = (i for i, each in plan.items() if each.action == "build" and i not in left_out)
    return frozenset(i for i in built if _last_table(given, i) is not None)


def unchanged_nodes(
    given: Situation, plan: Plan, standing: Mapping[str, Standing]
) -> frozenset[str]:
    """Return the ids of what was built and stands as its last build had left it."""
    found = {i: standing[i] for i in compared_nodes(given, plan) if i in standing}
    return frozenset(i for i, each in found.items() if is_unchanged(given, i, each))


def is_unchanged(given: Situation, node_id: str, standing: Standing) -> bool:
    """Return whether a table has the content that its last build left."""
    last = _last_table(given, node_id)
    return last is not None and last.evidence == standing.evidence


def _hashed_in_run(given: Situation, plan: Plan) -> frozenset[str]:
    return frozenset(i for i in compared_nodes(given, plan) if _is_cheap(given, i))


def _is_cheap(given: Situation, node_id: str) -> bool:
    last = _last_table(given, node_id)
    is_small = last is not None and (last.rows or 0) <= CHEAP_ROWS
    return is_small or given.artifacts.by_id[node_id].reuse.by_content


def _last_table(given: Situation, node_id: str) -> Standing | None:
    """Return what the last build of a node left, None for what has no rows that were counted."""
    last = given.state.last_of(node_id)
    standing = last.standing if last else None
    return standing if standing is not None and standing.rows is not None else None


def _waiting(
    given: Situation, plan: Plan, decision: Decision, compared: frozenset[str], node_id: str
) -> Decision:
    nearest = sorted(_nearest(given, plan, compared, node_id))
    names = ", ".join(given.artifacts.by_id[i].label for i in nearest)
    why = f"may be reused: depends on the content of {names}"
    return replace(decision, why=why, waits_for=tuple(nearest))


def _nearest(given: Situation, plan: Plan, compared: frozenset[str], node_id: str) -> Iterable[str]:
    """Return what is compared and nearest above a node, through what is built."""
    found, todo = set(), [given.artifacts.by_id[node_id]]
    while todo:
        for parent in given.parents(todo.pop()):
            if parent.unique_id in compared:
                found.add(parent.unique_id)
            elif parent.unique_id in plan and plan[parent.unique_id].action == "build":
                todo.append(parent)
    return found
