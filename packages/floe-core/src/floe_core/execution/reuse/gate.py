"""Leave nodes out of a running dbt build, and report them when dbt would come to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from floe_core.dbt.internals import duckdb_connection
from floe_core.execution.gates import first_gated_nodes, nodes_held_back_by
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.reuse.live_plan import LivePlan
from floe_core.reuse.situation import Decision, Plan
from floe_core.reuse.state import RelationFacts
from floe_core.reuse.warehouse_facts import read_relation
from floe_core.runs.build_events import BuildEvent, NodeLog, NodeResult, NodeStarted, ReusedBuild
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.warehouse.connection import DuckDBCursor, apply_settings, connect
from floe_core.warehouse.dialects import dialect_of
from floe_core.warehouse.warehouse import Warehouse


class RelationsInRun:
    """Reads tables while dbt runs in this process; once closed, it holds no connection."""

    def __init__(self, artifacts: CompiledArtifacts) -> None:
        self._artifacts = artifacts
        # Each of dbt's own threads has a dbt connection and other thread-local state of dbt.
        self._thread = ThreadPoolExecutor(1, "floe-relations")
        self._opened = ExitStack()
        self._is_closed = False
        self._warehouse: Warehouse | None = None

    def read(self, node_id: str) -> RelationFacts | None:
        """Return the state of a node's relation, None if it is not known."""
        node = self._artifacts.by_id[node_id]
        try:
            if self._artifacts.dbt.adapter == "duckdb":
                return self._read_duckdb(node)
            return None if self._is_closed else self._thread.submit(self._beside, node).result()
        except EnvironmentProblemError:
            return None

    def close(self) -> None:
        """Close the connection, if there is one; later calls do nothing."""
        if not self._is_closed:
            self._is_closed = True
            self._thread.submit(self._opened.close).result()
            self._thread.shutdown()

    def _read_duckdb(self, node: Node) -> RelationFacts | None:
        """Read through dbt's own DuckDB connection: a second process can't open the file."""
        connection = duckdb_connection()
        if connection is None:
            return None
        with connection.cursor() as cursor:
            warehouse = DuckDBCursor(cursor, dialect_of("duckdb"))
            apply_settings(warehouse)
            return read_relation(warehouse, "duckdb", node)

    def _beside(self, node: Node) -> RelationFacts | None:
        dbt = self._artifacts.dbt
        if self._warehouse is None:
            # dbt is running in the product's folder at this time.
            opened = connect(dbt, self._artifacts.folder)
            self._warehouse = self._opened.enter_context(opened)
        return read_relation(self._warehouse, dbt.adapter, node)


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


class ReportedInOrder:
    """Holds back each reused node until the nodes and tests that it waits for have passed.

    `results` is node id -> the result of a reused node; `todo` are the ids of the nodes that are
    built.
    """

    def __init__(
        self,
        artifacts: CompiledArtifacts,
        todo: Iterable[str],
        results: Mapping[str, NodeResult],
    ) -> None:
        self._artifacts = artifacts
        built = set(todo) if results else set()
        below = nodes_held_back_by(artifacts, built)
        self._free = [each for node_id, each in results.items() if node_id not in below]
        self._held = {node_id: each for node_id, each in results.items() if node_id in below}
        self._edges = _edges(artifacts, built, below)
        # Node id -> how many others have to pass before; one more for the result of its own.
        self._waits_for = Counter(i for ends in self._edges.values() for i in ends)
        self._waits_for.update(built)

    def begin(self) -> Iterator[NodeResult]:
        """Yield the results that wait for nothing."""
        yield from self._free

    def receive(self, result: NodeResult) -> Iterator[NodeResult]:
        """Yield the results that the end of a built node decides."""
        if not result.passed:
            yield from self._skip(result.unique_id)
            return
        passed = [result.unique_id]
        while passed:
            node_id = passed.pop()
            self._waits_for[node_id] -= 1
            if self._waits_for[node_id] <= 0:
                if node_id in self._held:
                    yield self._held.pop(node_id)
                passed += self._edges.get(node_id, ())

    def finish(self) -> Iterator[NodeResult]:
        """Yield the results that are left when the build has succeeded."""
        yield from self._held.values()
        self._held = {}

    def _skip(self, failed: str) -> Iterator[NodeResult]:
        if failed not in self._artifacts.by_id:
            return
        for node_id in sorted(nodes_held_back_by(self._artifacts, [failed]) & self._held.keys()):
            del self._held[node_id]
            yield NodeResult(node_id, "skipped", message=f"skipped: {failed} did not pass")


def _edges(
    artifacts: CompiledArtifacts, built: set[str], below: set[str]
) -> dict[str, tuple[str, ...]]:
    """Return node id -> the nodes that wait for it directly, for nodes built or below those."""
    children = artifacts.graph.children
    found = {node_id: children.get(node_id, ()) for node_id in built | below}
    for node_id in built:
        if artifacts.by_id[node_id].is_test:
            found[node_id] = tuple(first_gated_nodes(artifacts, node_id))
    return found
