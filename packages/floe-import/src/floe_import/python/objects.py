"""Values that know the module that they are in: objects, functions, modules, and dicts."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from floe_import.python.modules import Module, Turn
from floe_import.report import Place


@dataclass(frozen=True)
class Made:
    """An object that a call makes: the called name, the call, and the module that it is in.

    `turn` is the turn of loops, or the call of a function, that makes it; None for the current one.
    """

    name: str
    call: ast.Call
    module: Module
    turn: Turn | None = field(default=None, hash=False)

    def __repr__(self) -> str:
        return f"{self.name}(...)"

    @property
    def last(self) -> str:
        """The part of the name after the last dot."""
        return self.name.rpartition(".")[2]


@dataclass(frozen=True)
class LocalFunction:
    """A function or class of the user's own code."""

    name: str
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
    module: Module


@dataclass(frozen=True)
class LocalModule:
    """A module of the user's own code."""

    module: Module


class Mapped(dict[Any, Any]):
    """key -> value, with `places`, key -> where it is, and `nodes`, key -> (expression, module)."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[Any, Place] = {}
        self.nodes: dict[Any, tuple[ast.expr, Module]] = {}

    def put(self, key: Any, value: Any, node: ast.expr, module: Module) -> None:
        """Set a key that an expression of a module gives a value."""
        self[key] = value
        self.places[key] = module.place(node)
        self.nodes[key] = (node, module)

    def merge(self, other: dict[Any, Any], node: ast.expr, module: Module) -> None:
        """Set the keys of another dict, as `**other` does."""
        for key, value in other.items():
            self.put(key, value, node, module)
            if isinstance(other, Mapped) and key in other.nodes:
                self.places[key], self.nodes[key] = other.places[key], other.nodes[key]
