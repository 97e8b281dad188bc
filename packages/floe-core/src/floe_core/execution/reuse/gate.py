"""Leave nodes out of a running dbt build once their inputs turn out to be unchanged."""

from __future__ import annotations

from floe_core.execution.reuse.relations_in_run import RelationsInRun
from floe_core.reuse.live_plan import LivePlan
from floe_core.reuse.situation import Decision, Plan
from floe_core.runs.build_events import BuildEvent, NodeLog, NodeResult, NodeStarted, ReusedBuild


class NodeGate:
    """Decides before each node of one dbt build. Called from the nodes' threads."""

    def __init__(self, plan: LivePlan, relations: RelationsInRun) -> None:
        self._plan = plan
        self._relations = relations
        self._left_out: dict[str, Decision] = {}

    @property
    def decisions(self) -> Plan:
        """Node id -> the decision, for the nodes decided so far."""
        return self._plan.decisions

    def close(self) -> None:
        """Close the connection to the warehouse."""
        self._relations.close()

    def is_left_out(self, node_id: str) -> bool:
        """Return whether a node that has started is to be left out."""
        return node_id in self._left_out

    def receive(self, event: BuildEvent) -> BuildEvent | None:
        """Return an event as it is to be reported, None for one of a node that is left out.

        When a table has been built, its content is read before any node that waits for it starts.
        """
        if isinstance(event, NodeStarted):
            decision = self._plan.start(event.unique_id)
            if decision is not None:
                self._left_out[event.unique_id] = decision
                return None
        if isinstance(event, NodeLog) and self.is_left_out(event.unique_id):
            return None
        if isinstance(event, NodeResult):
            return self._end_node(event)
        return event

    def _end_node(self, result: NodeResult) -> NodeResult:
        node_id = result.unique_id
        if not result.passed:
            self._plan.fail(node_id)
        elif node_id in self._left_out:
            return result_of_reused(node_id, self._left_out[node_id])
        elif node_id in self._plan.compared:
            self._plan.end(node_id, self._relations.read(node_id))
        return result


def result_of_reused(node_id: str, decision: Decision) -> NodeResult:
    """Return the result of a reused node."""
    entry = decision.entry
    message = f"reused: {decision.why}"
    reused = ReusedBuild(entry.run_id, entry.lineage_run_id, entry.seconds, decision.rows)
    return NodeResult(node_id, "reused", message=message, reused=reused)
