"""The values that a call gives to the parameters of a function."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from floe_import.python.evaluate import evaluate
from floe_import.python.modules import Module
from floe_import.python.values import Value


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
