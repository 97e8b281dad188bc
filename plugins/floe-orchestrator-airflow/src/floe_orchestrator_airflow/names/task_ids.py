"""Names tasks after nodes and groups: short if unambiguous, unique, and valid in Airflow."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256

from floe_core.schemas.nodes import Node

BUILD = "dbt_build"
OUTCOME = "outcome"
MAX_LENGTH = 200

_FORBIDDEN = re.compile(r"[^A-Za-z0-9_.\-]")


def task_ids(nodes: Iterable[Node]) -> dict[str, str]:
    """Return node id -> task id, in the order of the nodes.

    A task has its node's name, with its package or the whole id if names clash with each other or
    with floe's own tasks.
    """
    remaining = list(nodes)
    found: dict[str, str] = {}
    taken = {BUILD, OUTCOME}
    for naming in (_label, _label_in_package, _whole_id):
        proposals = {node.unique_id: _fit(naming(node)) for node in remaining}
        counts = Counter(proposals.values())
        clear = {i for i, name in proposals.items() if counts[name] == 1 and name not in taken}
        found.update((i, proposals[i]) for i in proposals if i in clear)
        taken.update(proposals[i] for i in clear)
        remaining = [node for node in remaining if node.unique_id not in clear]
    found.update((node.unique_id, _add_hash(node.unique_id)) for node in remaining)
    return {node_id: found[node_id] for node_id in sorted(found)}


def group_task_ids(names: Sequence[str]) -> dict[str, str]:
    """Return name of a group -> task id, in the order given."""
    taken = {BUILD, OUTCOME}
    found: dict[str, str] = {}
    for name in names:
        fitted = _fit(name)
        found[name] = _add_hash(name) if fitted in taken else fitted
        taken.add(found[name])
    return found


def _label(node: Node) -> str:
    return node.label


def _label_in_package(node: Node) -> str:
    return f"{node.package}.{node.label}"


def _whole_id(node: Node) -> str:
    return node.unique_id


def _fit(text: str) -> str:
    fitted = _FORBIDDEN.sub("_", text)
    return fitted if len(fitted) <= MAX_LENGTH else _add_hash(text)


def _add_hash(text: str) -> str:
    digest = sha256(text.encode()).hexdigest()[:12]
    return f"{_FORBIDDEN.sub('_', text)[: MAX_LENGTH - 13]}_{digest}"
