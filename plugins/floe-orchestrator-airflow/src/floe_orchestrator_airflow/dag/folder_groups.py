"""The TaskGroups of a DAG that shows a product's nodes: one per folder, tests below models."""

from __future__ import annotations

import re
from collections.abc import Sequence

from airflow.sdk import TaskGroup

from floe_core.schemas.nodes import Node
from floe_orchestrator_airflow.dag.folder_paths import TESTS_OF, Path, folder_paths

_FORBIDDEN = re.compile(r"[^A-Za-z0-9_-]+")


class FolderGroups:
    """Makes the groups of nodes within a group, each when it is first needed.

    They do not prefix the ids of their tasks, so that a task keeps its history if its file moves
    to another folder.
    """

    def __init__(self, nodes: Sequence[Node], own_package: str, outer: TaskGroup) -> None:
        self._paths = folder_paths(nodes, own_package)
        self._groups: dict[Path, TaskGroup] = {(): outer}

    def group_of(self, node: Node) -> TaskGroup:
        """Return the group that the node's task belongs to."""
        return self._group(self._paths[node.unique_id])

    def _group(self, path: Path) -> TaskGroup:
        if path not in self._groups:
            self._groups[path] = TaskGroup(
                group_id=_group_id(path),
                group_display_name=path[-1],
                prefix_group_id=False,
                parent_group=self._group(path[:-1]),
                add_suffix_on_collision=True,
            )
        return self._groups[path]


def _group_id(path: Path) -> str:
    """Return an id that no task has, and that sorts the tests of a model right after the model.

    Airflow sorts by id where the graph sets no order.
    """
    if path[-1].startswith(TESTS_OF):
        return _FORBIDDEN.sub("_", path[-1].removeprefix(TESTS_OF)) + "-tests"
    return "__".join(["in", *(_FORBIDDEN.sub("_", name) for name in path)])
