"""What the names of a loop stand for in each of its turns."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from floe_import.python.values import Value


def names_of_turns(target: ast.expr, values: Iterable[Value]) -> list[dict[str, Value]] | None:
    """Return name -> value for each turn of a loop over values, None if they do not fit."""
    turns = [_unpacked(target, each) for each in values]
    return None if None in turns else [dict(each) for each in turns if each is not None]


def _unpacked(target: ast.expr, value: Value) -> Sequence[tuple[str, Value]] | None:
    """Return the names of a loop with their values in one turn, None if they do not fit."""
    if isinstance(target, ast.Name):
        return [(target.id, value)]
    if not isinstance(target, ast.Tuple | ast.List) or not isinstance(value, list | tuple):
        return None
    if len(target.elts) != len(value):
        return None
    parts = [_unpacked(each, worth) for each, worth in zip(target.elts, value, strict=True)]
    return None if None in parts else [pair for part in parts if part is not None for pair in part]
