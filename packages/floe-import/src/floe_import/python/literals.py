"""Constants, lists, dicts, comprehensions and f-strings."""

from __future__ import annotations

import ast

from floe_import.python.arguments import names_of_turns
from floe_import.python.conditions import as_given, holds
from floe_import.python.evaluate import computed, evaluate, reads
from floe_import.python.modules import Module, Names
from floe_import.python.objects import Mapped
from floe_import.python.values import Symbol, Unknown, Value, first_unknown, same_kind

_LONGEST_FORMAT = 6


@reads(ast.Constant)
def _constant(node: ast.Constant, module: Module, depth: int) -> Value:
    if isinstance(node.value, str | int | float | bool | None):
        return node.value
    return Unknown(f"`{ast.unparse(node)}` is not a value of YAML", module.place(node))


@reads(ast.List, ast.Tuple, ast.Set)
def _sequence(node: ast.List | ast.Tuple | ast.Set, module: Module, depth: int) -> Value:
    found = [evaluate(each, module, depth) for each in node.elts]
    return _without_repeats(found, node, module) if isinstance(node, ast.Set) else found


def _without_repeats(found: list[Value], node: ast.expr, module: Module) -> Value:
    """Return the values of a set, which are unknown if Python would refuse one of them."""
    try:
        return list(dict.fromkeys(found))
    except TypeError:
        return computed(node, module, *found)


@reads(ast.ListComp, ast.SetComp, ast.GeneratorExp)
def _comprehension(
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp, module: Module, depth: int
) -> Value:
    """Return the values of a comprehension over one list."""
    [first, *others] = node.generators
    values = evaluate(first.iter, module, depth)
    turns = names_of_turns(first.target, values) if isinstance(values, list | tuple) else None
    if others or first.is_async or turns is None:
        return computed(node, module, values)
    found = []
    for names in turns:
        with module.in_turn({**module.turn, node: Names(names)}):
            kept = [holds(each, module, depth) for each in first.ifs]
            if unsure := first_unknown(kept):
                return unsure
            if all(kept):
                found.append(evaluate(node.elt, module, depth))
    return _without_repeats(found, node, module) if isinstance(node, ast.SetComp) else found


@reads(ast.Dict)
def _dict(node: ast.Dict, module: Module, depth: int) -> Value:
    found = Mapped()
    for key, value in zip(node.keys, node.values, strict=True):
        worth = evaluate(value, module, depth)
        if key is None:
            if not isinstance(worth, dict):
                return computed(value, module, worth)
            found.merge(worth, value, module)
            continue
        name = as_given(evaluate(key, module, depth), key, module)
        if not isinstance(name, str | int | float | bool | Symbol | None):
            return computed(key, module, name)
        found.put(name, worth, value, module)
    return found


@reads(ast.JoinedStr)
def _joined(node: ast.JoinedStr, module: Module, depth: int) -> Value:
    parts = [_part(each, module, depth) for each in node.values]
    if found := first_unknown(parts):
        return found
    if not all(isinstance(each, str | int | float) for each in parts):
        return computed(node, module, *parts)
    return same_kind("".join(str(each) for each in parts), *parts)


def _part(node: ast.expr, module: Module, depth: int) -> Value:
    if not isinstance(node, ast.FormattedValue):
        return evaluate(node, module, depth)
    value = evaluate(node.value, module, depth)
    if node.format_spec is None and node.conversion == -1:
        return value
    spec = evaluate(node.format_spec, module, depth) if node.format_spec else ""
    is_plain_text = type(value) in (str, int, float) and type(spec) is str
    if node.conversion != -1 or not is_plain_text or len(spec) > _LONGEST_FORMAT:
        return computed(node, module, value, spec)
    try:
        return format(value, spec)
    except ValueError:
        return computed(node, module)
