"""Operators, subscripts and lambdas."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from floe_import.python.conditions import as_given, compare, holds, truth_of
from floe_import.python.evaluate import computed, evaluate, reads
from floe_import.python.known_calls import KNOWN_CALLS, environment_text
from floe_import.python.modules import Module
from floe_import.python.objects import LocalFunction
from floe_import.python.values import EnvText, Symbol, Unknown, Value, first_unknown, same_kind

_LONGEST = 10_000
_NAME = re.compile(r"\$\{(\w+)\}")


@reads(ast.Subscript)
def _subscript(node: ast.Subscript, module: Module, depth: int) -> Value:
    base = evaluate(node.value, module, depth)
    key = evaluate(node.slice, module, depth)
    if base == Symbol("os.environ") and isinstance(key, str):
        return environment_text(key)
    key = as_given(key, node, module)
    if isinstance(base, dict | list | tuple) and not isinstance(key, Unknown):
        try:
            return base[key]
        except (KeyError, IndexError, TypeError):
            return Unknown(f"`{ast.unparse(node)}` does not exist", module.place(node))
    return computed(node, module, base, key)


@reads(ast.BinOp)
def _binary(node: ast.BinOp, module: Module, depth: int) -> Value:
    left = evaluate(node.left, module, depth)
    right = evaluate(node.right, module, depth)
    action = _OPERATORS.get(type(node.op))
    if found := first_unknown([left, right]):
        return found
    try:
        worth = action(left, right) if action else None
    except (TypeError, ValueError, ArithmeticError):
        worth = None
    if worth is None:
        return computed(node, module)
    return same_kind(worth, left, right) if isinstance(worth, str) else worth


def _divide(left: Value, right: Value) -> Value:
    return KNOWN_CALLS["os.path.join"](left, right) if isinstance(left, str) else left / right


def _multiply(left: Value, right: Value) -> Value:
    sizes = [len(each) if isinstance(each, str | list) else each for each in (left, right)]
    if isinstance(left, str | list) or isinstance(right, str | list):
        return left * right if sizes[0] * sizes[1] <= _LONGEST else None
    return left * right


_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: _multiply,
    ast.Div: _divide,
    ast.BitOr: operator.or_,
}


@reads(ast.BoolOp)
def _either(node: ast.BoolOp, module: Module, depth: int) -> Value:
    """Return the first value that decides it: a true one of `or`, a false one of `and`."""
    is_or = isinstance(node.op, ast.Or)
    worth = evaluate(node.values[0], module, depth)
    if is_or and len(node.values) == 2 and type(worth) is EnvText:
        default = evaluate(node.values[1], module, depth)
        if text := _text_or_default(worth, default):
            return text
    for each, after in pairwise(node.values):
        is_true = truth_of(worth, each, module)
        if isinstance(is_true, Unknown):
            return is_true
        if is_true is is_or:
            return worth
        worth = evaluate(after, module, depth)
    return worth


def _text_or_default(text: Value, default: Value) -> EnvText | None:
    """Return the text of `os.getenv(name) or "default"`, None for anything else."""
    name = _NAME.fullmatch(text) if type(text) is EnvText else None
    is_text = isinstance(default, str) and not isinstance(default, EnvText)
    if name is None or not is_text or "}" in default:
        return None
    return environment_text(name[1], default)


@reads(ast.Compare)
def _compare(node: ast.Compare, module: Module, depth: int) -> bool | Unknown:
    left = evaluate(node.left, module, depth)
    for kind, each in zip(node.ops, node.comparators, strict=True):
        right = evaluate(each, module, depth)
        found = compare(left, kind, right, node, module)
        if found is not True:
            return found
        left = right
    return True


@reads(ast.IfExp)
def _if(node: ast.IfExp, module: Module, depth: int) -> Value:
    found = holds(node.test, module, depth)
    if isinstance(found, Unknown):
        return found
    return evaluate(node.body if found else node.orelse, module, depth)


@reads(ast.UnaryOp)
def _unary(node: ast.UnaryOp, module: Module, depth: int) -> Value:
    worth = evaluate(node.operand, module, depth)
    if isinstance(node.op, ast.USub) and isinstance(worth, int | float):
        return -worth
    if isinstance(node.op, ast.Not):
        found = truth_of(worth, node.operand, module)
        return found if isinstance(found, Unknown) else not found
    return computed(node, module, worth)


@reads(ast.Lambda)
def _lambda(node: ast.Lambda, module: Module, depth: int) -> Value:
    return LocalFunction("<lambda>", node, module)
