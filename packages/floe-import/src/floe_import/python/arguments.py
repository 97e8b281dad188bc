"""The arguments of a call, the entries of a dict, and the values of parameters and loops."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from floe_import.python.evaluate import evaluate
from floe_import.python.modules import Module
from floe_import.python.objects import Made, Mapped
from floe_import.python.values import Value
from floe_import.report import Place


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


def values_of_call(
    call: ast.Call,
    caller: Module,
    function: ast.FunctionDef,
    owner: Module,
    ignored: Sequence[str] = (),
    depth: int = 0,
) -> Mapping[str, Value] | None:
    """Return parameter -> value, None if the source does not tell which argument is which.

    `caller` is the module of the call, and `owner` that of the function. A decorator takes the
    keywords that are `ignored`.
    """
    given, parameters = function.args, [each.arg for each in function.args.args]
    if given.posonlyargs or given.vararg or len(call.args) > len(parameters):
        return None
    if any(isinstance(each, ast.Starred) for each in call.args):
        return None
    found: dict[str, tuple[ast.expr, Module]] = {
        name: (node, owner)
        for name, node in zip(reversed(parameters), reversed(given.defaults), strict=False)
    }
    for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        parameters.append(each.arg)
        if default is not None:
            found[each.arg] = default, owner
    found |= {name: (node, caller) for name, node in zip(parameters, call.args, strict=False)}
    rest: dict[str, ast.expr] = {}
    for keyword in call.keywords:
        if keyword.arg in parameters:
            found[str(keyword.arg)] = keyword.value, caller
        elif given.kwarg and keyword.arg:
            rest[keyword.arg] = keyword.value
        elif keyword.arg not in ignored:
            return None
    if {*found} != {*parameters}:
        return None
    values = {name: evaluate(node, module, depth) for name, (node, module) in found.items()}
    if given.kwarg:
        values[given.kwarg.arg] = {
            name: evaluate(each, caller, depth) for name, each in rest.items()
        }
    return values


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
