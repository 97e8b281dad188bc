"""Hold two sides against each other, node by node."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from floe_core.build_events import NodeResult
from floe_core.parity.lineage_events import differing_paths
from floe_core.parity.promises import differing_promises
from floe_core.parity.side import Side
from floe_core.parity.table_contents import TableContents


@dataclass(frozen=True)
class NodeComparison:
    """One node on both sides. `differences` are sentences, none when the sides agree."""

    node_id: str
    left: NodeResult | None
    right: NodeResult | None
    rows: int | None
    differences: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Two sides, their nodes in the order they ran on the left, and what differs beyond nodes."""

    left: Side
    right: Side
    nodes: tuple[NodeComparison, ...]
    differences: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs."""
        return not self.differences and not any(node.differences for node in self.nodes)


def compare(left: Side, right: Side) -> Comparison:
    """Compare run status, graph, jobs, ticks, retries, node statuses, tables and lineage."""
    node_ids = {*left.report.nodes, *right.report.nodes}
    nodes = [_node(node_id, left, right) for node_id in node_ids]
    nodes.sort(key=lambda n: (_began(n), n.node_id))
    return Comparison(left, right, tuple(nodes), tuple(_beyond_nodes(left, right)))


def _began(node: NodeComparison) -> float:
    moment = node.left.started_at if node.left else None
    return moment.timestamp() if moment else float("inf")


def _node(node_id: str, left: Side, right: Side) -> NodeComparison:
    ours, theirs = left.report.nodes.get(node_id), right.report.nodes.get(node_id)
    table, other = left.tables.get(node_id), right.tables.get(node_id)
    differences = [*_statuses(left, right, ours, theirs), *_contents(left, right, table, other)]
    rows = table.rows if table and not table.missing else None
    return NodeComparison(node_id, ours, theirs, rows, tuple(differences))


def _statuses(
    left: Side, right: Side, ours: NodeResult | None, theirs: NodeResult | None
) -> list[str]:
    one = ours.status if ours else "absent"
    two = theirs.status if theirs else "absent"
    same = one == two and (ours.failures if ours else None) == (theirs.failures if theirs else None)
    return [] if same else [f"{one} on {left.orchestrator}, {two} on {right.orchestrator}"]


def _contents(
    left: Side, right: Side, table: TableContents | None, other: TableContents | None
) -> list[str]:
    if table == other:
        return []
    if table is None or other is None or table.missing or other.missing:
        absent = left if table is None or table.missing else right
        return [f"no table on {absent.orchestrator}"]
    if table.rows != other.rows:
        names = left.orchestrator, right.orchestrator
        return [f"{table.rows} rows on {names[0]}, {other.rows} on {names[1]}"]
    ours, theirs = dict(_by_column(table)), dict(_by_column(other))
    columns = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    where = ", ".join(columns) or "how the columns' values are paired"
    return [f"contents differ in {where}"]


def _by_column(table: TableContents) -> list[tuple[str, tuple[str, int]]]:
    return [(name, (kind, total)) for name, kind, total in table.columns]


def _beyond_nodes(left: Side, right: Side) -> list[str]:
    found = []
    if left.report.status != right.report.status:
        one, two = (f"{side.report.status} on {side.orchestrator}" for side in (left, right))
        found.append(f"the run: {one}, {two}")
    if left.artifacts.nodes != right.artifacts.nodes:
        found.append("the graph: compiled to different nodes")
    if left.artifacts.jobs != right.artifacts.jobs:
        found.append("the jobs: compiled to different jobs or schedules")
    names = (left.orchestrator, right.orchestrator)
    found += differing_promises(names, left.promises, right.promises)
    for side, other in ((left, right), (right, left)):
        alone = side.events - other.events
        if alone:
            found.append(f"the lineage events: {_told_alone(side, alone, other)}")
    return found


def _told_alone(side: Side, alone: Counter[str], other: Side) -> str:
    """Return what a side tells alone: an example, and what in it is different if not all of it."""
    example = min(alone)
    kind, job, _ = example.split(" ", 2)
    where = ", ".join(differing_paths(example, other.events - side.events))
    told = f"{alone.total()} on {side.orchestrator} alone, such as {kind} of {job}"
    return f"{told}, different in {where}" if where else told
