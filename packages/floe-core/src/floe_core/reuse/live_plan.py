"""A plan that is updated node by node during a build, as the contents of parents are known."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace

from floe_core.reuse.contents import is_unchanged, with_contents
from floe_core.reuse.plan import Planner, make_plan
from floe_core.reuse.situation import Decision, Plan, Situation
from floe_core.reuse.state import RelationFacts, Versions
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import source_name


def plan_before_steps(given: Situation) -> Plan:
    """Return the plan; nodes that are built only if a step writes something new are marked.

    It combines two plans: one in which each step writes the same as in the last run, and one in
    which each step writes something new.
    """
    writers = writers_of_sources(given.artifacts, given.wanted)
    if not writers:
        return _plan(given)
    sources = given.warehouse.sources
    last = {i: given.state.entries[i].versions for i in writers if i in given.state.entries}
    others = {i: versions for i, versions in sources.items() if i not in writers}
    same = _plan(_with_sources(given, {**sources, **last}))
    new = _plan(_with_sources(given, others))
    known = [i for i in writers if i in last or i in sources]
    return {
        node_id: replace(new[node_id], why=_condition(given, node_id, known, last))
        if each.action == "reuse" and new[node_id].action == "build"
        else each
        for node_id, each in same.items()
    }


def _plan(given: Situation) -> Plan:
    return with_contents(given, make_plan(given))


def writers_of_sources(artifacts: CompiledArtifacts, node_ids: Iterable[str]) -> dict[str, str]:
    """Return source id -> id of the step that writes it, for the steps among these nodes."""
    wanted = set(node_ids)
    steps = (step for step in artifacts.steps if step.unique_id in wanted)
    return {source: step.unique_id for step in steps for source in step.sources}


def _with_sources(given: Situation, sources: Mapping[str, Versions]) -> Situation:
    return replace(given, warehouse=replace(given.warehouse, sources=sources))


def _condition(
    given: Situation, node_id: str, known: Iterable[str], last: Mapping[str, Versions]
) -> str:
    """Return which new output of which steps builds a node; `last` are the reported sources."""
    artifacts = given.artifacts
    above = artifacts.graph.above([node_id])
    writers = writers_of_sources(artifacts, given.wanted)
    causes = []
    for source in sorted(set(known) & above):
        step = artifacts.by_id[writers[source]].label
        does = "reports a new version of" if source in last else "changes"
        causes.append(f"{step} {does} {source_name(artifacts.by_id[source])}")
    return f"new if {' or '.join(causes)}"


class LivePlan:
    """Decides on each node of a build when it starts. Called from the nodes' threads.

    `compared` are the ids of the tables whose content other nodes wait for.
    """

    def __init__(self, situation: Situation, plan: Plan) -> None:
        self._situation = situation
        self._lock = threading.Lock()
        self._planner = Planner(situation)
        self._planner.plan()
        self._failed: set[str] = set()
        self._started: dict[str, Decision] = {}
        self.compared = frozenset(i for each in plan.values() for i in each.waits_for)

    @property
    def decisions(self) -> Mapping[str, Decision]:
        """Node id -> decision, as far as known now."""
        return self._planner.decisions

    def start(self, node_id: str) -> Decision | None:
        """Return the decision to reuse a node that is about to start, None to build it."""
        artifacts = self._situation.artifacts
        with self._lock:
            if node_id not in self._situation.wanted or self._failed & artifacts.graph.above(
                [node_id]
            ):
                return None
            if node_id not in self._started:
                self._started[node_id] = self._planner.plan_again(artifacts.by_id[node_id])
            decision = self._started[node_id]
        return decision if decision.action == "reuse" else None

    def end(self, node_id: str, relation: RelationFacts | None) -> None:
        """Record the relation that a node's build left, None if it is not known."""
        with self._lock:
            if relation is not None and is_unchanged(self._situation, node_id, relation):
                self._planner.leave_unchanged(node_id)

    def fail(self, node_id: str) -> None:
        """Record that a node did not pass: dbt itself skips what is downstream."""
        with self._lock:
            self._failed.add(node_id)
