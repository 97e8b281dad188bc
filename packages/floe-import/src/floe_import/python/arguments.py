"""The arguments of a call and the entries of a dict, as the source has them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from floe_import.python.evaluate import evaluate
from floe_import.python.modules import Module
from floe_import.python.objects import Made, Mapped
from floe_import.python.values import Value
from floe_import.report.findings import Place


@dataclass(frozen=True)
class Argument:
    """A named value, where it is, and its expression with its module; None if there is none."""

    name: str
    value: Value
    place: Place
    node: ast.expr | None = None
    module: Module | None = None


def arguments(made: Made, positional: Sequence[str]) -> list[Argument]:
    """Return each argument of a call; `*1` and `**name` for those whose names the source hides."""
    module, found = made.module, []
    with module.in_turn(module.turn if made.turn is None else made.turn):
        for index, node in enumerate(made.call.args):
            is_named = index < len(positional) and not isinstance(node, ast.Starred)
            name = positional[index] if is_named else f"*{index}"
            found.append(Argument(name, evaluate(node, module), module.place(node), node, module))
        for keyword in made.call.keywords:
            found += _keyword(keyword, module)
    return found


def arguments_of_mapping(value: dict[Any, Value], place: Place) -> Iterator[Argument]:
    """Yield each entry of a dict that is at `place`."""
    for key, each in value.items():
        if isinstance(value, Mapped) and key in value.nodes:
            yield Argument(str(key), each, value.places[key], *value.nodes[key])
        else:
            yield Argument(str(key), each, place)


def _keyword(keyword: ast.keyword, module: Module) -> Iterator[Argument]:
    value, place = evaluate(keyword.value, module), module.place(keyword)
    if keyword.arg is not None:
        yield Argument(keyword.arg, value, place, keyword.value, module)
    elif isinstance(value, dict):
        yield from arguments_of_mapping(value, place)
    else:
        yield Argument(f"**{ast.unparse(keyword.value)}", value, place)
