"""A plan that is updated node by node during a build, as the contents of parents are known."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from floe_core.reuse.contents import is_unchanged
from floe_core.reuse.plan import Planner
from floe_core.reuse.situation import Decision, Plan, Situation
from floe_core.reuse.state import RelationFacts


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
