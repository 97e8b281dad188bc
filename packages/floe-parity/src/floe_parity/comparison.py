"""Compare sides node by node; all others must equal the first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from floe_core.runs.build_events import NodeResult
from floe_core.schemas.nodes import source_name
from floe_core.warehouse.table_contents import table_differences
from floe_parity.sides.lineage_events import differing_paths
from floe_parity.sides.promises import differing_promises
from floe_parity.sides.side import Side

WHOLE_NUMBERS_OF_SEEDS = frozenset({"INTEGER", "BIGINT"})
_OF_SEEDS = "dbt 1 makes INTEGER of the whole numbers of a seed, dbt 2 makes BIGINT"

MAX_EDGES_NAMED = 3


@dataclass(frozen=True)
class NodeComparison:
    """One node on every side, in order. `differences` are sentences, none if all sides agree."""

    node_id: str
    results: tuple[NodeResult | None, ...]
    rows: int | None
    differences: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """The sides, their nodes in the order of the first side's run, and differences beyond nodes."""

    sides: tuple[Side, ...]
    nodes: tuple[NodeComparison, ...]
    differences: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs."""
        return not self.differences and not any(node.differences for node in self.nodes)

    @property
    def has_succeeded(self) -> bool:
        """Whether the run succeeded on every side."""
        return all(side.report.status == "success" for side in self.sides)


def compare(*sides: Side) -> Comparison:
    """Compare run status, graph, jobs, ticks, retries, node statuses, tables and lineage."""
    first, *others = sides
    node_ids = dict.fromkeys(node_id for side in sides for node_id in side.report.nodes)
    nodes = [_node(node_id, sides) for node_id in node_ids]
    nodes.sort(key=lambda n: (_began(n), n.node_id))
    differences = [text for other in others for text in _beyond_nodes(first, other)]
    # Plain dbt has no lineage and no schedules: these are compared among the other sides.
    for one, other in pairwise([side for side in sides if not side.is_plain_dbt]):
        differences += _of_orchestrators(one, other)
    return Comparison(sides, tuple(nodes), tuple(differences))


def _began(node: NodeComparison) -> float:
    moments = (result.started_at for result in node.results if result and result.started_at)
    return min((moment.timestamp() for moment in moments), default=float("inf"))


def _node(node_id: str, sides: tuple[Side, ...]) -> NodeComparison:
    first, *others = sides
    differences: list[str] = []
    for other in others:
        differences += _statuses(first, other, node_id)
        tables = first.tables.get(node_id), other.tables.get(node_id)
        found = table_differences((first.name, other.name), *tables)
        differences += [*found, *causes_of(node_id, first, other)]
        differences += _compare_sources_of_step(first, other, node_id)
    table = first.tables.get(node_id)
    rows = table.rows if table and not table.missing else None
    results = tuple(side.report.nodes.get(node_id) for side in sides)
    return NodeComparison(node_id, results, rows, tuple(differences))


def _compare_sources_of_step(left: Side, right: Side, node_id: str) -> list[str]:
    """Return the differences of the dbt sources that a step wrote, none for another node."""
    step = left.artifacts.steps_by_id.get(node_id)
    names = (left.name, right.name)
    return [
        f"{source_name(left.artifacts.by_id[source])}: {text}"
        for source in (step.sources if step else ())
        for text in table_differences(names, left.tables.get(source), right.tables.get(source))
    ]


def _statuses(left: Side, right: Side, node_id: str) -> list[str]:
    ours, theirs = left.report.nodes.get(node_id), right.report.nodes.get(node_id)
    one = ours.status if ours else "absent"
    two = theirs.status if theirs else "absent"
    if one != two:
        return [f"{one} on {left.name}, {two} on {right.name}"]
    failures = [result.failures if result else None for result in (ours, theirs)]
    if failures[0] != failures[1]:
        return [f"{failures[0]} failures on {left.name}, {failures[1]} on {right.name}"]
    return [*_partitions((left.name, right.name), ours, theirs)]


def _partitions(
    names: tuple[str, str], ours: NodeResult | None, theirs: NodeResult | None
) -> Iterator[str]:
    """Yield the partitions of a node that ended differently."""
    one, two = (dict(each.partitions) if each else {} for each in (ours, theirs))
    for key in sorted({*one, *two}):
        left, right = (each.get(key, "absent") for each in (one, two))
        if left != right:
            yield f"partition {key}: {left} on {names[0]}, {right} on {names[1]}"


def _beyond_nodes(left: Side, right: Side) -> list[str]:
    found = []
    if left.report.status != right.report.status:
        one, two = (f"{side.report.status} on {side.name}" for side in (left, right))
        found.append(f"the run: {one}, {two}")
    for side, other in ((left, right), (right, left)):
        alone = sorted(side.edges - other.edges)
        if alone:
            named = ", ".join(f"{parent} -> {child}" for parent, child in alone[:MAX_EDGES_NAMED])
            found.append(f"the graph: {len(alone)} edges on {side.name} alone, such as {named}")
    return found


def _of_orchestrators(left: Side, right: Side) -> list[str]:
    found = []
    is_same_dbt = left.dbt_version == right.dbt_version
    # dbt versions have different defaults in a node's configuration, and report runs differently.
    if is_same_dbt and left.nodes != right.nodes:
        found.append("the graph: compiled to different nodes")
    if left.artifacts.jobs != right.artifacts.jobs:
        found.append("the jobs: compiled to different jobs or schedules")
    found += differing_promises((left.name, right.name), left.promises, right.promises)
    for side, other in ((left, right), (right, left)):
        alone = side.events - other.events if is_same_dbt else _ends_alone(side, other)
        if alone:
            found.append(f"the lineage events: {_only_on_one_side(side, alone, other)}")
    return found


def _ends_alone(side: Side, other: Side) -> Counter[str]:
    """Return a side's events of a kind and job that the other side has less often."""
    ours, theirs = (
        Counter(" ".join([*line.split(" ", 2)[:2], ""]) for line in each.events.elements())
        for each in (side, other)
    )
    return ours - theirs


def _only_on_one_side(side: Side, alone: Counter[str], other: Side) -> str:
    """Describe what only this side emits: an example, and where it differs from the other side."""
    example = min(alone)
    kind, job, _ = example.split(" ", 2)
    is_same_dbt = side.dbt_version == other.dbt_version
    paths = differing_paths(example, other.events - side.events) if is_same_dbt else []
    where = ", ".join(paths)
    summary = f"{alone.total()} on {side.name} alone, such as {kind} of {job}"
    return f"{summary}, different in {where}" if where else summary


def causes_of(node_id: str, left: Side, right: Side) -> list[str]:
    """Return why the types of a node's columns differ between two sides, if that is known."""
    if _major(left) == _major(right) or not _has_other_numbers(node_id, left, right):
        return []
    if node_id.startswith("seed."):
        return [f"cause: {_OF_SEEDS}"]
    above = left.artifacts.graph.above([node_id])
    seeds = sorted(i for i in above if i.startswith("seed.") and _has_other_numbers(i, left, right))
    return [f"cause: it reads {', '.join(seeds)}, where {_OF_SEEDS}"] if seeds else []


def _major(side: Side) -> str:
    return side.dbt_version.partition(".")[0]


def _has_other_numbers(node_id: str, left: Side, right: Side) -> bool:
    """Return whether some column is INTEGER on one side and BIGINT on the other."""
    ours, theirs = (_types(side, node_id) for side in (left, right))
    pairs = ({kind, theirs[name]} for name, kind in ours.items() if name in theirs)
    return any(pair == WHOLE_NUMBERS_OF_SEEDS for pair in pairs)


def _types(side: Side, node_id: str) -> dict[str, str]:
    table = side.tables.get(node_id)
    return {name: kind for name, kind, _ in table.columns} if table else {}
