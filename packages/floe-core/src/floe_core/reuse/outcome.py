"""Decide what to store about a build once it is over."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from floe_core.reuse.contents import unchanged_nodes
from floe_core.reuse.plan import make_plan
from floe_core.reuse.situation import Plan, Situation
from floe_core.reuse.state import Entry, RelationFacts, Versions


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to store about a build: entries by node id, and nodes that are in doubt."""

    entries: Mapping[str, Entry]
    doubtful: Collection[str] = ()


def outcome_of(
    situation: Situation,
    plan: Plan,
    green: Mapping[str, float],
    relations: Mapping[str, RelationFacts],
) -> Outcome:
    """Return what to store, given node id -> seconds for the nodes that ended green.

    The columns of built nodes are known only now, so the plan is computed again with them. A node
    that would not have been reused with this knowledge is in doubt.
    """
    columns = {node_id: each.columns for node_id, each in relations.items()}
    forced = frozenset(i for i, each in plan.items() if each.action == "build")
    unchanged = unchanged_nodes(situation, plan, {i: relations[i] for i in green if i in relations})
    known = replace(situation, built=columns, forced=forced, unchanged=unchanged)
    again = make_plan(known)
    found = {}
    for node_id, seconds in green.items():
        node = situation.artifacts.by_id[node_id]
        if node_id in plan and (node_id in relations or not node.is_in_warehouse):
            entry = replace(again[node_id].entry, run_id=situation.run_id, seconds=seconds)
            entry = replace(entry, relation=relations.get(node_id), planned_at=situation.now)
            before = situation.state.last_of(node_id)
            entry = replace(entry, is_settled=_is_settled(situation, node_id, entry))
            found[node_id] = _new_if_it_differs(entry, before, situation.token)
    doubtful = [i for i in plan if i not in forced and again[i].action == "build"]
    return Outcome(found, doubtful)


def _is_settled(situation: Situation, node_id: str, entry: Entry) -> bool:
    """Return whether a build left a relation as it found it, made from the same as before."""
    before = situation.state.entries.get(node_id)
    found = situation.warehouse.relations.get(node_id)
    if before is None or not before.is_made_as(entry):
        return False
    return found == before.relation == entry.relation


def _new_if_it_differs(entry: Entry, before: Entry | None, token: str) -> Entry:
    """Return an entry with a new version if its relation differs under the version it had before.

    A version stands for a content. If the same version gives another one, something matters that
    no trait and no input shows.
    """
    if before is None or entry.relation is None or before.relation is None:
        return entry
    if entry.versions != before.versions or entry.relation == before.relation:
        return entry
    columns = entry.versions.columns
    new = None if columns is None else dict.fromkeys(columns, token)
    return replace(entry, versions=Versions(token, new))
