"""The value of an expression, read from its source: constants, paths, names, imported constants."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from floe_core.foundation.errors import InvalidProductError
from floe_import.python.known_calls import (
    KNOWN_CALLS,
    METHODS,
    METHODS_OF_DICTS,
    attribute_of_text,
    environment_text,
)
from floe_import.python.mappings import Mapped
from floe_import.python.modules import Binding, Module, Names
from floe_import.python.unpacking import names_of_turns
from floe_import.python.values import (
    EnvText,
    LocalFunction,
    Made,
    Symbol,
    Unknown,
    Value,
    first_unknown,
)

# Never files of the user, even if a folder of that name is beside the file.
_LIBRARIES = frozenset(
    {"airflow", "cosmos", "dagster", "dagster_dbt", "dbt", "os", "prefect", "prefect_dbt"}
)
_DEEPEST = 50


@dataclass(frozen=True)
class LocalModule:
    """A module of the user's own code."""

    module: Module


def evaluate(node: ast.expr, module: Module, depth: int = 0) -> Value:
    """Return the value of an expression, an `Unknown` where the source does not tell."""
    if depth > _DEEPEST:
        return Unknown("is defined by itself", module.place(node))
    reader = _READERS.get(type(node))
    if reader is None:
        return Unknown(f"`{ast.unparse(node)}` is computed when the file runs", module.place(node))
    return reader(node, module, depth + 1)


def value_of_name(name: str, module: Module, at: ast.AST, depth: int = 0) -> Value:
    """Return what a name stands for at a node."""
    for scope in module.scopes_of(at):
        if found := module.bindings.get((scope, name)):
            if turn := module.bound_in_turn(name, found, at):
                owner, binding = turn
                known = module.turn[owner].values
                return evaluate(binding.value, module, depth) if binding.value else known[name]
            return _value_of_bindings(name, module.in_force(found, scope, at), module, depth)
    return _from_star(name, module, depth) or Symbol(f"builtins.{name}")


def _from_star(name: str, module: Module, depth: int) -> Value | None:
    """Return what `from ... import *` of another file of the user brings, None if nothing does."""
    for star in reversed(module.bindings.get((module.tree, "*"), [])):
        owner = star.imported.rpartition(".")[0]
        file = module.file_of(owner, star.level) if owner or star.level else None
        try:
            other = module.open(file) if file and depth < _DEEPEST else None
        except InvalidProductError:
            continue  # The import is reported.
        if other and (other.tree, name) in other.bindings:
            return _member(other, name, depth + 1)
    return None


def _value_of_bindings(name: str, found: Sequence[Binding], module: Module, depth: int) -> Value:
    found = module.where_all_is_installed(found)
    first = found[0]
    if all(each.imported for each in found):
        return _imported(first, module, depth)
    if len(found) > 1:
        branch = next((each for each in found if module.branch_around(each.node)), None)
        why = "depends on a condition" if branch else f"is assigned {len(found)} times"
        return Unknown(f"`{name}` {why}", module.place((branch or found[1]).node))
    if isinstance(first.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return LocalFunction(name, first.node, module)
    if isinstance(first.node, ast.arg):
        return Unknown(f"`{name}` is a parameter of a function", module.place(first.node))
    if first.value is None or module.loop_around(first.node):
        return Unknown(f"`{name}` is set by a loop or an unpacking", module.place(first.node))
    if module.branch_around(first.node):
        return Unknown(f"`{name}` depends on a condition", module.place(first.node))
    if line := module.mutated.get(name):
        return Unknown(f"`{name}` is changed at line {line}", module.place(first.node))
    return evaluate(first.value, module, depth)


def _imported(binding: Binding, module: Module, depth: int) -> Value:
    name = binding.imported
    if not binding.level and name.partition(".")[0] in _LIBRARIES:
        return Symbol(name)
    try:
        return _local_import(name, binding, module, depth)
    except InvalidProductError as error:
        return Unknown(f"`{name}`: {error.problems[0].what}", module.place(binding.node))


def _local_import(name: str, binding: Binding, module: Module, depth: int) -> Value:
    if file := module.file_of(name, binding.level):
        return LocalModule(module.open(file))
    if isinstance(binding.node, ast.Import):
        return Symbol(name)
    owner, _, last = name.rpartition(".")
    if file := module.file_of(owner, binding.level):
        return _member(module.open(file), last, depth)
    if binding.level:
        return Unknown(f"the module of `{name}` was not found", module.place(binding.node))
    return Symbol(name)


def _member(module: Module, name: str, depth: int) -> Value:
    found = module.bindings.get((module.tree, name))
    if not found:
        return Unknown(f"`{name}` is not defined in {module.path}", module.place(module.tree))
    if depth > _DEEPEST:
        return Unknown(f"`{name}` is defined by itself", module.place(module.tree))
    return _value_of_bindings(name, module.in_force(found, module.tree), module, depth + 1)


def _name(node: ast.Name, module: Module, depth: int) -> Value:
    if node.id == "__file__":
        return str(module.path.absolute())
    return value_of_name(node.id, module, node, depth)


def _attribute(node: ast.Attribute, module: Module, depth: int) -> Value:
    return _attribute_of(evaluate(node.value, module, depth), node, module, depth)


def _attribute_of(base: Value, node: ast.Attribute, module: Module, depth: int) -> Value:
    match base:
        case Symbol():
            return Symbol(f"{base.name}.{node.attr}")
        case LocalModule():
            return _member(base.module, node.attr, depth)
        case LocalFunction(node=ast.ClassDef() as made):
            found = base.module.bindings.get((made, node.attr))
            if found:
                last = base.module.in_force(found, made)
                return _value_of_bindings(node.attr, last, base.module, depth)
        case str():
            found_text = attribute_of_text(base, node.attr)
            if found_text is not None:
                return found_text
        case Unknown():
            return base
    return Unknown(f"`{ast.unparse(node)}` is computed when the file runs", module.place(node))


def _subscript(node: ast.Subscript, module: Module, depth: int) -> Value:
    base = evaluate(node.value, module, depth)
    key = evaluate(node.slice, module, depth)
    if base == Symbol("os.environ") and isinstance(key, str):
        return environment_text(key)
    if isinstance(base, dict | list | tuple) and not isinstance(key, Unknown):
        try:
            return base[key]
        except (KeyError, IndexError, TypeError):
            return Unknown(f"`{ast.unparse(node)}` does not exist", module.place(node))
    return _first_or_computed([base, key], node, module)


def _call(node: ast.Call, module: Module, depth: int) -> Value:
    if isinstance(node.func, ast.Attribute):
        # Once: in a chain of calls, each is the base of the next.
        base = evaluate(node.func.value, module, depth)
        of_base = {str: METHODS, dict: METHODS_OF_DICTS}
        methods = next((of_base[kind] for kind in of_base if isinstance(base, kind)), {})
        if method := methods.get(node.func.attr):
            # What is unknown in a dict is no matter for the rest of it.
            return _apply(partial(method, base), node, module, depth)
        called = _attribute_of(base, node.func, module, depth)
    else:
        called = evaluate(node.func, module, depth)
    if isinstance(called, Symbol):
        if called.name == "builtins.dict":
            return _dict_call(node, module, depth)
        function = KNOWN_CALLS.get(called.name)
        if function is None:
            return Made(called.name, node, module)
        return _apply(function, node, module, depth)
    if isinstance(called, LocalFunction) and (returned := _returned(called, node)) is not None:
        return evaluate(returned, called.module, depth)
    if isinstance(called, Unknown):
        return called
    return Unknown(f"`{ast.unparse(node.func)}()` is your own function", module.place(node))


def _returned(function: LocalFunction, call: ast.Call) -> ast.expr | None:
    """Return the expression that a function without parameters returns, if it is nothing more."""
    node = function.node
    if not isinstance(node, ast.FunctionDef) or call.args or call.keywords or node.decorator_list:
        return None
    if any([node.args.args, node.args.posonlyargs, node.args.kwonlyargs]):
        return None
    body = [each for each in node.body if not _says_nothing(each)]
    return body[0].value if len(body) == 1 and isinstance(body[0], ast.Return) else None


def _says_nothing(node: ast.stmt) -> bool:
    """Return whether a statement is a docstring or an import."""
    is_constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_constant or isinstance(node, ast.Import | ast.ImportFrom)


def _apply(function: Callable[..., Any], node: ast.Call, module: Module, depth: int) -> Value:
    arguments = [evaluate(each, module, depth) for each in node.args]
    named = {k.arg or "**": evaluate(k.value, module, depth) for k in node.keywords}
    if found := first_unknown([*arguments, *named.values()]):
        return found
    try:
        return function(*arguments, **named)
    except (TypeError, ValueError, AttributeError, IndexError, OverflowError):
        what = f"`{ast.unparse(node)}` is computed when the file runs"
        return Unknown(what, module.place(node))


def _constant(node: ast.Constant, module: Module, depth: int) -> Value:
    if isinstance(node.value, str | int | float | bool | None):
        return node.value
    return Unknown(f"`{ast.unparse(node)}` is not a value of YAML", module.place(node))


def _sequence(node: ast.List | ast.Tuple | ast.Set, module: Module, depth: int) -> Value:
    found = [evaluate(each, module, depth) for each in node.elts]
    return list(dict.fromkeys(found)) if isinstance(node, ast.Set) else found


def _comprehension(
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp, module: Module, depth: int
) -> Value:
    """Return the values of a comprehension over one list, without a condition."""
    [first, *others] = node.generators
    values = evaluate(first.iter, module, depth)
    is_simple = not others and not first.ifs and not first.is_async
    turns = names_of_turns(first.target, values) if isinstance(values, list | tuple) else None
    if not is_simple or turns is None:
        return _first_or_computed([values], node, module)
    found = []
    for names in turns:
        with module.in_turn({**module.turn, node: Names(names)}):
            found.append(evaluate(node.elt, module, depth))
    return list(dict.fromkeys(found)) if isinstance(node, ast.SetComp) else found


def _dict(node: ast.Dict, module: Module, depth: int) -> Value:
    found = Mapped()
    for key, value in zip(node.keys, node.values, strict=True):
        worth = evaluate(value, module, depth)
        if key is None:
            if not isinstance(worth, dict):
                return _first_or_computed([worth], value, module)
            found.merge(worth, value, module)
            continue
        name = evaluate(key, module, depth)
        if not isinstance(name, str | int | float | bool | Symbol | None):
            return _first_or_computed([name], key, module)
        found.put(name, worth, value, module)
    return found


def _dict_call(node: ast.Call, module: Module, depth: int) -> Value:
    """Return the value of `dict(a=1, **more)`."""
    found = Mapped()
    for each in node.keywords:
        worth = evaluate(each.value, module, depth)
        if each.arg is not None:
            found.put(each.arg, worth, each.value, module)
        elif isinstance(worth, dict):
            found.merge(worth, each.value, module)
        else:
            return _first_or_computed([worth], each.value, module)
    return _first_or_computed([], node, module) if node.args else found


def _joined(node: ast.JoinedStr, module: Module, depth: int) -> Value:
    parts = [_part(each, module, depth) for each in node.values]
    if found := first_unknown(parts):
        return found
    if not all(isinstance(each, str | int | float) for each in parts):
        return _first_or_computed(parts, node, module)
    kind = EnvText if any(isinstance(each, EnvText) for each in parts) else str
    return kind("".join(str(each) for each in parts))


def _part(node: ast.expr, module: Module, depth: int) -> Value:
    if not isinstance(node, ast.FormattedValue):
        return evaluate(node, module, depth)
    value = evaluate(node.value, module, depth)
    if node.format_spec is None and node.conversion == -1:
        return value
    spec = evaluate(node.format_spec, module, depth) if node.format_spec else ""
    is_plain_text = type(value) in (str, int, float) and type(spec) is str
    if node.conversion != -1 or not is_plain_text:
        return _first_or_computed([value, spec], node, module)
    try:
        return format(value, spec)
    except ValueError:
        return _first_or_computed([], node, module)


def _binary(node: ast.BinOp, module: Module, depth: int) -> Value:
    left = evaluate(node.left, module, depth)
    right = evaluate(node.right, module, depth)
    action = _OPERATORS.get(type(node.op))
    if found := first_unknown([left, right]):
        return found
    try:
        worth = action(left, right) if action else None
    except TypeError:
        worth = None
    if worth is None:
        return _first_or_computed([], node, module)
    is_environment = isinstance(left, EnvText) or isinstance(right, EnvText)
    return EnvText(worth) if is_environment and isinstance(worth, str) else worth


def _divide(left: Value, right: Value) -> Value:
    return KNOWN_CALLS["os.path.join"](left, right) if isinstance(left, str) else left / right


def _either(node: ast.BoolOp, module: Module, depth: int) -> Value:
    first = evaluate(node.values[0], module, depth)
    return first if isinstance(first, EnvText) else _first_or_computed([first], node, module)


def _unary(node: ast.UnaryOp, module: Module, depth: int) -> Value:
    worth = evaluate(node.operand, module, depth)
    if isinstance(node.op, ast.USub) and isinstance(worth, int | float):
        return -worth
    if isinstance(node.op, ast.Not) and isinstance(worth, bool):
        return not worth
    return _first_or_computed([worth], node, module)


def _lambda(node: ast.Lambda, module: Module, depth: int) -> Value:
    return LocalFunction("<lambda>", node, module)


def _first_or_computed(parts: list[Value], node: ast.AST, module: Module) -> Unknown:
    what = f"`{ast.unparse(node)}` is computed when the file runs"
    return first_unknown(parts) or Unknown(what, module.place(node))


_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divide,
    ast.BitOr: operator.or_,
}
_READERS: dict[type[ast.expr], Callable[..., Value]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Call: _call,
    ast.List: _sequence,
    ast.Tuple: _sequence,
    ast.Set: _sequence,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.Dict: _dict,
    ast.JoinedStr: _joined,
    ast.BinOp: _binary,
    ast.BoolOp: _either,
    ast.UnaryOp: _unary,
    ast.Lambda: _lambda,
}
