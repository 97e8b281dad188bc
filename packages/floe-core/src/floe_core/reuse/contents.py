"""Reuse the readers of a relation that was built but whose content did not change.

A version stands for a content. A relation that is built from other code or inputs but with the same
rows keeps the version of its last build, so that nothing downstream changes. Only the content of
tables is hashed; a view is identified by its query and what the query reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from floe_core.reuse.catalogs.catalog import CATALOGS
from floe_core.reuse.plan import make_plan
from floe_core.reuse.situation import Decision, Plan, Situation
from floe_core.reuse.state import RelationFacts

# Tables up to this size are hashed during a run; larger ones only if `meta` requests it.
CHEAP_ROWS = 1_000_000


def with_contents(given: Situation, plan: Plan) -> Plan:
    """Return the plan, with a mark on nodes that depend on the content of built nodes.

    A dbt in another process can't leave out a node once it has started, and some warehouses can't
    be read while dbt runs.
    """
    dbt = given.artifacts.dbt
    if given.builds_all or dbt.executable or not CATALOGS[dbt.adapter].is_read_in_run:
        return plan
    compared = frozenset(i for i in compared_nodes(given, plan) if _is_cheap(given, i))
    if not compared:
        return plan
    same = make_plan(replace(given, unchanged=compared))
    return {
        node_id: _defer(given, plan, each, compared, node_id)
        if each.action == "build" and same[node_id].action == "reuse"
        else each
        for node_id, each in plan.items()
    }


def compared_nodes(given: Situation, plan: Plan) -> frozenset[str]:
    """Return the ids of the nodes to build whose content decides about nodes downstream.

    If a reader depends on the order of rows, such as with an unordered `limit`, every built node
    counts as new: equal contents may have different orders.
    """
    before = given.state.entries
    entries = {**before, **{node_id: each.entry for node_id, each in plan.items()}}
    graph = given.artifacts.graph
    ordered = (i for i, e in entries.items() if e.by_row_order and i in graph.parents)
    left_out = graph.above(ordered)
    built = (i for i, each in plan.items() if each.action == "build" and i not in left_out)
    return frozenset(i for i in built if _last_table(given, i) is not None)


def unchanged_nodes(
    given: Situation, plan: Plan, relations: Mapping[str, RelationFacts]
) -> frozenset[str]:
    """Return the ids of the nodes that were built without a change of content."""
    found = {i: relations[i] for i in compared_nodes(given, plan) if i in relations}
    return frozenset(i for i, each in found.items() if is_unchanged(given, i, each))


def is_unchanged(given: Situation, node_id: str, relation: RelationFacts) -> bool:
    """Return whether a table has the content that its last build left."""
    last = _last_table(given, node_id)
    return last is not None and last.evidence == relation.evidence


def _is_cheap(given: Situation, node_id: str) -> bool:
    last = _last_table(given, node_id)
    is_small = last is not None and (last.rows or 0) <= CHEAP_ROWS
    return is_small or given.artifacts.by_id[node_id].reuse.by_content


def _last_table(given: Situation, node_id: str) -> RelationFacts | None:
    """Return the table that a node's last build left, None if its rows were not counted."""
    last = given.state.last_of(node_id)
    relation = last.relation if last else None
    return relation if relation is not None and relation.rows is not None else None


def _defer(
    given: Situation, plan: Plan, decision: Decision, compared: frozenset[str], node_id: str
) -> Decision:
    nearest = sorted(_nearest(given, plan, compared, node_id))
    if not nearest:  # It reads them by views that are not of this build.
        return decision
    names = ", ".join(given.artifacts.by_id[i].label for i in nearest)
    why = f"may be reused: depends on the content of {names}"
    return replace(decision, why=why, waits_for=tuple(nearest))


def _nearest(given: Situation, plan: Plan, compared: frozenset[str], node_id: str) -> Iterable[str]:
    """Return the nearest compared nodes upstream of a node, through nodes that are built."""
    found, todo = set(), [given.artifacts.by_id[node_id]]
    while todo:
        for parent in given.parents(todo.pop()):
            if parent.unique_id in compared:
                found.add(parent.unique_id)
            elif parent.unique_id in plan and plan[parent.unique_id].action == "build":
                todo.append(parent)
    return found
