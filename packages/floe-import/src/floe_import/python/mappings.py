"""A dict of the source that remembers where each of its keys is."""

from __future__ import annotations

import ast
from typing import Any

from floe_import.python.modules import Module
from floe_import.report.findings import Place


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
