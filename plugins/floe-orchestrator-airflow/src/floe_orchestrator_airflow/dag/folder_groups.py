"""The TaskGroups of a DAG that shows a product's nodes: one per folder, tests below models."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePosixPath

from airflow.sdk import TaskGroup

from floe_core.schemas.nodes import Node
from floe_orchestrator_airflow.mirrors.node_groups import PLURALS, Batch, batches_by_label

Path = tuple[str, ...]
TESTS_OF = "tests of "

_FORBIDDEN = re.compile(r"[^A-Za-z0-9_-]+")


def folder_groups(
    nodes: Sequence[Node], own_package: str, outer: TaskGroup
) -> dict[str, TaskGroup]:
    """Return node id -> the group of its task, made within `outer`.

    The groups do not prefix the ids of their tasks, so that a task keeps its history if its file
    moves to another folder.
    """
    paths = folder_paths(nodes, own_package)
    made: dict[Path, TaskGroup] = {(): outer}
    for node in nodes:
        path = paths[node.unique_id]
        for end in range(1, len(path) + 1):
            if path[:end] not in made:
                made[path[:end]] = _folder_group(path[:end], made[path[: end - 1]])
    return {node.unique_id: made[paths[node.unique_id]] for node in nodes}


def _folder_group(path: Path, within: TaskGroup) -> TaskGroup:
    return TaskGroup(
        group_id=_group_id(path),
        group_display_name=path[-1],
        prefix_group_id=False,
        parent_group=within,
        add_suffix_on_collision=True,
    )


def _group_id(path: Path) -> str:
    """Return an id that no task has, and that sorts the tests of a model right after the model.

    Airflow sorts by id where the graph sets no order.
    """
    if path[-1].startswith(TESTS_OF):
        return _FORBIDDEN.sub("_", path[-1].removeprefix(TESTS_OF)) + "-tests"
    return "__".join(["in", *(_FORBIDDEN.sub("_", name) for name in path)])


def folder_paths(nodes: Sequence[Node], own_package: str) -> dict[str, Path]:
    """Return node id -> the names of its groups, outermost first.

    A group is a folder of models, or all seeds or snapshots; nodes of another dbt package are in a
    group with its name. A test is in a group of its own below the node it tests. Airflow's UI can't
    show groups that depend on each other in a cycle: such a folder becomes several groups, the
    later ones numbered.
    """
    built = [node for node in nodes if not node.is_test]
    folders = {node.unique_id: _folders(node, own_package) for node in built}
    paths: dict[str, Path] = {}
    _place(built, folders, (), paths)
    labels = {node.unique_id: node.label for node in built}
    for node in nodes:
        if node.is_test:
            tested = node.tested if node.tested in labels else ""
            within = (*paths[tested], f"{TESTS_OF}{labels[tested]}") if tested else ("tests",)
            paths[node.unique_id] = within
    return paths


def _folders(node: Node, own_package: str) -> Path:
    """Return the folders of the node's file, relative to the folder of models."""
    outer = () if node.package == own_package else (node.package,)
    kind = PLURALS.get(node.resource_type)
    return (*outer, *([kind] if kind else []), *PurePosixPath(node.path).parent.parts[1:])


def _place(
    nodes: Sequence[Node], folders: Mapping[str, Path], within: Path, paths: dict[str, Path]
) -> None:
    """Add the paths of these nodes, which are all in the group `within`."""
    names = {node.unique_id: _name_below(node, folders, within) for node in nodes}
    seen: Counter[str] = Counter()
    by_id = {node.unique_id: node for node in nodes}
    for name, node_ids in _batches(nodes, names):
        if name in by_id:
            paths[name] = within
            continue
        seen[name] += 1
        shown = name if seen[name] == 1 else f"{name} {seen[name]}"
        rest = {i: (*within, shown, *folders[i][len(within) + 1 :]) for i in node_ids}
        _place([by_id[i] for i in node_ids], rest, (*within, shown), paths)


def _name_below(node: Node, folders: Mapping[str, Path], within: Path) -> str:
    """Return the name of the next folder, the node's own id if there is none."""
    below = folders[node.unique_id][len(within) :]
    return below[0] if below else node.unique_id


def _batches(nodes: Sequence[Node], names: Mapping[str, str]) -> list[Batch]:
    """Return the names with their nodes: each name once, unless that would make a cycle."""
    graph: dict[str, set[str]] = {}
    members: dict[str, list[str]] = defaultdict(list)
    for node in nodes:
        name = names[node.unique_id]
        members[name].append(node.unique_id)
        before = {names[i] for i in node.depends_on if i in names}
        graph.setdefault(name, set()).update(before - {name})
    try:
        # In the same order each time: Airflow treats a different order as a new version of the DAG.
        order = list(TopologicalSorter({n: sorted(graph[n]) for n in graph}).static_order())
    except CycleError:
        return batches_by_label(nodes, lambda node: names[node.unique_id])
    return [(name, members[name]) for name in order]
