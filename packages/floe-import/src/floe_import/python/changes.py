"""A list or dict that a file changes after it is made."""

from __future__ import annotations

import ast
from collections.abc import Callable

from floe_import.python.conditions import is_reached
from floe_import.python.evaluate import computed, evaluate
from floe_import.python.modules import Binding, Module, end_of, start_of
from floe_import.python.objects import Mapped
from floe_import.python.values import Instance, Symbol, Unknown, Value

# The changed object, the changing node, its module and the depth -> the object after it.
_Change = Callable[[Value, ast.Call, Module, int], Value]


def with_changes(
    value: Value,
    name: str,
    binding: Binding,
    scope: ast.AST,
    at: ast.AST | None,
    module: Module,
    depth: int,
) -> Value:
    """Return what the object of a name is at a node, or at the end of its scope.

    `value` is what the binding gives it.
    """
    changes = module.changes.get((scope, name), [])
    others = [
        c for alias in module.aliases.get((scope, name), []) for c in module.changes.get(alias, [])
    ]
    is_hidden = isinstance(value, Unknown) and not isinstance(value, Instance)
    if is_hidden or not (changes or others):
        return value
    if others:
        return _is_changed(name, others[0], module)
    if binding.imported and isinstance(value, Symbol):
        return value
    augmented = {start_of(each) for each in changes if isinstance(each, ast.AugAssign)}
    for change in changes:
        if isinstance(change, ast.AugAssign) and not isinstance(value, list | dict):
            continue
        if start_of(change) < end_of(binding.node) and module.scope_of(change) is scope:
            continue
        if module.scope_of(change) is not scope or module.loop_around(change):
            return _is_changed(name, change, module)
        start = start_of(module.part_of(scope, at)) if at is not None else None
        if start is not None and start_of(change) >= start:
            if start in augmented:
                break  # The assignment goes on with the object, and has the later changes.
            return _is_changed(name, change, module)
        reached = is_reached(change, module, at)
        if isinstance(reached, Unknown):
            why = f"`{name}` is changed under a condition ({reached.why})"
            return Unknown(why, module.place(change))
        if reached:
            value = _after(value, name, change, module, depth)
        if isinstance(value, Unknown):
            return value
    return value


def _is_changed(name: str, change: ast.expr | ast.AugAssign, module: Module) -> Unknown:
    return Unknown(f"`{name}` is changed at line {change.lineno}", module.place(change))


def _after(
    value: Value, name: str, change: ast.expr | ast.AugAssign, module: Module, depth: int
) -> Value:
    """Return an object after a change of it."""
    parent = module.parents.get(change)
    match change, parent:
        case ast.Subscript(value=ast.Name()), ast.Assign(targets=[_]) if isinstance(value, dict):
            key = evaluate(change.slice, module, depth)
            worth = evaluate(parent.value, module, depth)
            if not isinstance(key, Unknown):
                return _with_key(value, key, worth, parent.value, module)
        case ast.Call(func=ast.Attribute(value=ast.Name(), attr=attr)), ast.Expr():
            found = _CHANGES[attr](value, change, module, depth) if attr in _CHANGES else None
            if found is not None:
                return found
    return _is_changed(name, change, module)


def _with_key(
    value: dict[Value, Value], key: Value, worth: Value, node: ast.expr, module: Module
) -> Mapped:
    found = _copy_of(value, node, module)
    found.put(key, worth, node, module)
    return found


def _copy_of(value: dict[Value, Value], node: ast.expr, module: Module) -> Mapped:
    found = Mapped()
    found.merge(value, node, module)
    return found


def updated(value: dict[Value, Value], call: ast.Call, module: Module, depth: int) -> Value:
    """Return a dict with what a call of `dict` or `update` puts into it."""
    found = _copy_of(value, call, module)
    given = [*((None, each) for each in call.args), *((k.arg, k.value) for k in call.keywords)]
    for name, node in given:
        worth = evaluate(node, module, depth)
        if name is not None:
            found.put(name, worth, node, module)
        elif isinstance(worth, dict):
            found.merge(worth, node, module)
        else:
            return computed(node, module, worth)
    return found


def _update(value: Value, call: ast.Call, module: Module, depth: int) -> Value:
    is_read = isinstance(value, dict) and len(call.args) <= 1
    return updated(value, call, module, depth) if is_read else None


def _append(value: Value, call: ast.Call, module: Module, depth: int) -> Value:
    if not isinstance(value, list) or len(call.args) != 1:
        return None
    return [*value, evaluate(call.args[0], module, depth)]


def _extend(value: Value, call: ast.Call, module: Module, depth: int) -> Value:
    if not isinstance(value, list) or len(call.args) != 1:
        return None
    more = evaluate(call.args[0], module, depth)
    return [*value, *more] if isinstance(more, list) else computed(call, module, more)


_CHANGES: dict[str, _Change] = {"update": _update, "append": _append, "extend": _extend}
