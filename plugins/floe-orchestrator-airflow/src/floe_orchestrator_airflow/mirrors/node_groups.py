"""Divide a graph of nodes into a few groups that can run one after another."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from floe_core.schemas.node_graph import NodeGraph
from floe_core.schemas.nodes import Node
from floe_core.schemas.policies import GroupBy

MAX_GROUPS = 32
MAX_LEVELS = 12
PLURALS = {"seed": "seeds", "snapshot": "snapshots", "function": "functions", "step": "steps"}


@dataclass(frozen=True, slots=True)
class NodeGroup:
    """Nodes that run together. `upstream` are the names of the groups that must run before it."""

    name: str
    node_ids: tuple[str, ...]
    upstream: tuple[str, ...]


def node_groups(nodes: Sequence[Node], by: GroupBy) -> list[NodeGroup]:
    """Return the groups in topological order; they never form a cycle.

    If the nodes of a folder, tier or tag can't run in one go, they form several groups, the later
    ones numbered. A test is in the group of the last node that it tests. More than 32 groups would
    be unreadable: then there are at most 12, by level.
    """
    batches = _by_level(nodes) if by == "level" else batches_by_label(nodes, _LABELS[by])
    if len(batches) > MAX_GROUPS:
        batches = _by_level(nodes)
    return _name_groups(nodes, batches)


def _by_folder(node: Node) -> str:
    if node.resource_type in PLURALS:
        return PLURALS[node.resource_type]
    return node.fqn[1] if len(node.fqn) > 2 else "models"


def _by_tier(node: Node) -> str:
    return node.tier or PLURALS.get(node.resource_type, "no_tier")


def _by_tag(node: Node) -> str:
    return node.tags[0] if node.tags else PLURALS.get(node.resource_type, "no_tag")


_LABELS: dict[str, Callable[[Node], str]] = {"folder": _by_folder, "tier": _by_tier, "tag": _by_tag}

Batch = tuple[str, list[str]]


def batches_by_label(nodes: Sequence[Node], label: Callable[[Node], str]) -> list[Batch]:
    """Return batches of one label each, as few as a greedy walk from upstream finds.

    Each step takes all nodes of one label that are ready or become ready as a result; the label
    whose nodes have the lowest mean depth comes first.
    """
    by_id = {node.unique_id: node for node in nodes}
    places = _places({i: label(n) for i, n in by_id.items() if not n.is_test}, _depths(nodes))
    graph = NodeGraph(nodes)
    missing = {node_id: len(parents) for node_id, parents in graph.parents.items()}
    ready: dict[str, deque[str]] = defaultdict(deque)
    for node_id in by_id:
        if not missing[node_id]:
            ready[_label_of(by_id[node_id], label)].append(node_id)
    batches: list[Batch] = []
    while ready:
        name = min(ready, key=lambda found: (places.get(found, 0.0), found))
        queue, taken = ready.pop(name), []
        while queue:
            node_id = queue.popleft()
            taken.append(node_id)
            for child in graph.children[node_id]:
                missing[child] -= 1
                if not missing[child]:
                    own = name if by_id[child].is_test else _label_of(by_id[child], label)
                    (queue if own == name else ready[own]).append(child)
        batches.append((name, sorted(taken)))
    return batches


def _label_of(node: Node, label: Callable[[Node], str]) -> str:
    return "tests" if node.is_test else label(node)


def _by_level(nodes: Sequence[Node]) -> list[Batch]:
    """Return bands of consecutive levels, of nearly equal sizes."""
    levels: dict[int, list[str]] = defaultdict(list)
    for node_id, depth in _depths(nodes).items():
        levels[depth].append(node_id)
    wanted = max(1, -(-len(nodes) // MAX_LEVELS))
    bands: list[list[int]] = []
    size = wanted
    for depth in sorted(levels):
        is_full = size + len(levels[depth]) / 2 > wanted
        if len(levels) <= MAX_LEVELS or (is_full and len(bands) < MAX_LEVELS):
            bands.append([])
            size = 0
        bands[-1].append(depth)
        size += len(levels[depth])
    return [
        (_band_name(band), sorted(i for depth in band for i in levels[depth])) for band in bands
    ]


def _band_name(band: list[int]) -> str:
    first, last = band[0] + 1, band[-1] + 1
    return f"level_{first}" if first == last else f"levels_{first}_to_{last}"


def _depths(nodes: Sequence[Node]) -> dict[str, int]:
    """Return node id -> length of the longest path to it; a test has the depth of what it tests."""
    by_id = {node.unique_id: node for node in nodes}
    graph = NodeGraph(nodes)
    depths: dict[str, int] = {}
    for node_id in graph.in_order():
        step = 0 if by_id[node_id].is_test else 1
        parents = graph.parents[node_id]
        depths[node_id] = max((depths[parent] + step for parent in parents), default=0)
    return {node_id: depths[node_id] for node_id in by_id}


def _places(labels: dict[str, str], depths: dict[str, int]) -> dict[str, float]:
    """Return label -> the mean depth of its nodes."""
    found: dict[str, list[int]] = defaultdict(list)
    for node_id, label in labels.items():
        found[label].append(depths[node_id])
    return {label: sum(of_label) / len(of_label) for label, of_label in found.items()}


def _name_groups(nodes: Sequence[Node], batches: Iterable[Batch]) -> list[NodeGroup]:
    by_id = {node.unique_id: node for node in nodes}
    group_of: dict[str, str] = {}
    seen: dict[str, int] = defaultdict(int)
    groups = []
    for label, node_ids in batches:
        seen[label] += 1
        name = label if seen[label] == 1 else f"{label}_{seen[label]}"
        group_of.update(dict.fromkeys(node_ids, name))
        parents = {group_of[i] for n in node_ids for i in by_id[n].depends_on if i in group_of}
        groups.append(NodeGroup(name, tuple(node_ids), tuple(sorted(parents - {name}))))
    return groups
