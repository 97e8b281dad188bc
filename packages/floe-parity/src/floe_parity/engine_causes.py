"""Explain known differences of tables between two versions of dbt."""

from __future__ import annotations

from floe_parity.sides.side import Side

WHOLE_NUMBERS_OF_SEEDS = frozenset({"INTEGER", "BIGINT"})
_OF_SEEDS = "dbt 1 makes INTEGER of the whole numbers of a seed, dbt 2 makes BIGINT"


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
