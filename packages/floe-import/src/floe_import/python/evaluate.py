"""The value of an expression, read from its source.

Each kind of expression has a reader, which registers itself: `literals`, `names`, `calls` and
`operations` have them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from floe_import.python.modules import Module
from floe_import.python.values import Unknown, Value, first_unknown

_DEEPEST = 50
Reader = Callable[[Any, Module, int], Value]
_READERS: dict[type[ast.expr], Reader] = {}


def reads(*kinds: type[ast.expr]) -> Callable[[Reader], Reader]:
    """Register a function as the reader of these kinds of expressions."""

    def register(reader: Reader) -> Reader:
        _READERS.update(dict.fromkeys(kinds, reader))
        return reader

    return register


def evaluate(node: ast.expr, module: Module, depth: int = 0) -> Value:
    """Return the value of an expression, an `Unknown` where the source does not tell."""
    if is_too_deep(depth):
        return Unknown("is defined by itself", module.place(node))
    reader = _READERS.get(type(node))
    return reader(node, module, depth + 1) if reader else computed(node, module)


def is_too_deep(depth: int) -> bool:
    """Return whether a value is defined by itself, since nothing is that deep."""
    return depth > _DEEPEST


def computed(node: ast.AST, module: Module, *parts: Value) -> Unknown:
    """Return the first unknown part of an expression, or that a run computes it."""
    what = f"`{ast.unparse(node)}` is computed when the file runs"
    return first_unknown(list(parts)) or Unknown(what, module.place(node))
