"""Calls: of libraries, of the user's own functions, and those whose result the source tells."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from floe_import.python.arguments import values_of_call
from floe_import.python.changes import updated
from floe_import.python.conditions import as_given, is_reached
from floe_import.python.evaluate import computed, evaluate, reads
from floe_import.python.known_calls import (
    KNOWN_CALLS,
    METHODS,
    METHODS_OF_DICTS,
    METHODS_OF_TEXTS,
    environment_text,
)
from floe_import.python.modules import Module, Names
from floe_import.python.names import attribute_of
from floe_import.python.objects import LocalFunction, Made
from floe_import.python.values import EnvText, Instance, Symbol, Unknown, Value, first_unknown

_OF_ENVIRONMENT = ("os.getenv", "os.environ.get")
# Methods of a class that may give an object other attributes than its call.
_MAKERS = ("__init__", "__new__", "__post_init__", "__getattr__", "__getattribute__")
_OF_VARIABLE = re.compile(r"airflow\.(models|models\.variable|sdk)\.Variable\.get")


@reads(ast.Call)
def _call(node: ast.Call, module: Module, depth: int) -> Value:
    if isinstance(node.func, ast.Attribute):
        # Once: in a chain of calls, each is the base of the next.
        base = evaluate(node.func.value, module, depth)
        if isinstance(base, str) and node.func.attr in METHODS_OF_TEXTS:
            base = as_given(base, node, module)
        of_base = {str: METHODS | METHODS_OF_TEXTS, dict: METHODS_OF_DICTS}
        methods = next((of_base[kind] for kind in of_base if isinstance(base, kind)), {})
        if method := methods.get(node.func.attr):
            # What is unknown in a dict is no matter for the rest of it.
            is_lookup = isinstance(base, dict)
            return _apply(partial(method, base), node, module, depth, is_lookup=is_lookup)
        called = attribute_of(base, node.func, module, depth)
    else:
        called = evaluate(node.func, module, depth)
    if isinstance(called, Symbol):
        if called.name == "builtins.dict":
            return computed(node, module) if node.args else updated({}, node, module, depth)
        if _OF_VARIABLE.fullmatch(called.name):
            return _variable(node, module, depth)
        if called.name in _OF_ENVIRONMENT and (text := _given(node, module, depth)):
            return text
        function = KNOWN_CALLS.get(called.name)
        if function is None:
            return Made(called.name, node, module, module.turn)
        return _apply(function, node, module, depth)
    if isinstance(called, LocalFunction) and isinstance(called.node, ast.FunctionDef):
        return _returned(called.node, called.module, node, module, depth)
    if isinstance(called, LocalFunction) and isinstance(called.node, ast.ClassDef):
        return _instance(called, called.node, node, module, depth)
    if isinstance(called, Unknown):
        return called
    return Unknown(f"`{ast.unparse(node.func)}()` is your own function", module.place(node))


def _variable(node: ast.Call, module: Module, depth: int) -> Value:
    """Return what `Variable.get` returns."""
    named = {each.arg: evaluate(each.value, module, depth) for each in node.keywords}
    given = [evaluate(each, module, depth) for each in node.args]
    name, is_json = named.get("key", (given or [None])[0]), named.get("deserialize_json", False)
    if isinstance(name, EnvText) or not isinstance(name, str) or not isinstance(is_json, bool):
        return computed(node, module, name, is_json)
    return module.given.variable(name, is_json, module.place(node))


def _given(node: ast.Call, module: Module, depth: int) -> str:
    """Return what is given for a variable whose default the file does not tell, else ""."""
    values = [evaluate(each, module, depth) for each in node.args]
    if len(values) != 2 or type(values[0]) is not str or not isinstance(values[1], Unknown):
        return ""
    text = as_given(environment_text(values[0]), node, module)
    return text if isinstance(text, str) else ""


def _returned(
    function: ast.FunctionDef, owner: Module, call: ast.Call, caller: Module, depth: int
) -> Value:
    """Return what a function of the user returns, which is in the module `owner`."""
    what = f"`{ast.unparse(call.func)}()` is your own function"
    decorators = [evaluate(each, owner) for each in function.decorator_list]
    is_plain = all(each == Symbol("builtins.staticmethod") for each in decorators)
    if not is_plain or owner.own_nodes(function, ast.Yield, ast.YieldFrom):
        return Unknown(what, caller.place(call))
    values = values_of_call(call, caller, function, owner, depth=depth)
    if values is None:
        return Unknown(
            f"{what}, called with arguments that floe import does not read", caller.place(call)
        )
    names = Names(values, call if owner is caller else None)
    with owner.in_turn({**owner.turn, function: names}):
        for each in owner.own_nodes(function, ast.Return):
            if owner.loop_around(each):
                return Unknown(f"{what}, which returns from a loop", owner.place(each))
            is_this = is_reached(each, owner)
            if isinstance(is_this, Unknown):
                return Unknown(f"{what}, and {is_this.why}", is_this.place)
            if is_this:
                return evaluate(each.value, owner, depth) if each.value else None
    return Unknown(what, caller.place(call))


def _instance(
    made: LocalFunction, kind: ast.ClassDef, call: ast.Call, caller: Module, depth: int
) -> Value:
    """Return an object of a dataclass, whose attributes its call and its defaults tell."""
    what, owner = f"`{ast.unparse(call.func)}()` is an object of your own class", made.module
    decorators = (e.func if isinstance(e, ast.Call) else e for e in kind.decorator_list)
    is_changed = any(
        getattr(each, "name", "") in _MAKERS
        or (isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store))
        for each in ast.walk(kind)
    )
    is_plain = [evaluate(each, owner) for each in decorators] == [Symbol("dataclasses.dataclass")]
    if kind.bases or is_changed or not is_plain:
        return Unknown(what, caller.place(call))
    fields = {
        each.target.id: each.value
        for each in kind.body
        if isinstance(each, ast.AnnAssign)
        and isinstance(each.target, ast.Name)
        and "ClassVar" not in ast.unparse(each.annotation)
    }
    given = dict(zip(fields, call.args, strict=False))
    given |= {each.arg or "**": each.value for each in call.keywords}
    if len(call.args) > len(fields) or not given.keys() <= fields.keys():
        return Unknown(what, caller.place(call))
    values = {name: evaluate(each, owner, depth) for name, each in fields.items() if each}
    values |= {name: evaluate(each, caller, depth) for name, each in given.items()}
    for name, value in values.items():
        if isinstance(value, Made) and value.last == "field":
            why = f"`{name}` has a default that is made for each object"
            values[name] = Unknown(why, caller.place(call))
    return Instance(what, caller.place(call), values)


def _apply(
    function: Callable[..., Any],
    node: ast.Call,
    module: Module,
    depth: int,
    is_lookup: bool = False,
) -> Value:
    """Return what a function returns; a lookup needs the value of its first argument."""
    arguments = [evaluate(each, module, depth) for each in node.args]
    if is_lookup and arguments:
        arguments[0] = as_given(arguments[0], node, module)
    named = {k.arg or "**": evaluate(k.value, module, depth) for k in node.keywords}
    if found := first_unknown([*arguments, *named.values()]):
        return found
    try:
        return function(*arguments, **named)
    except (TypeError, ValueError, AttributeError, IndexError, OverflowError):
        return computed(node, module)
