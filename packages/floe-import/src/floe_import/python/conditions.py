"""Whether a condition holds, and whether a file gets to a node of it."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable
from typing import Any

from floe_import.python.evaluate import evaluate
from floe_import.python.modules import Module
from floe_import.python.objects import LocalFunction, Made
from floe_import.python.values import EnvNumber, EnvText, Symbol, Unknown, Value, first_unknown

# Conditions that depend on each other, one within the other.
_MOST_AT_ONCE = 3


def holds(test: ast.expr, module: Module, depth: int = 0) -> bool | Unknown:
    """Return whether a condition is true."""
    return truth_of(evaluate(test, module, depth), test, module)


def truth_of(value: Value, node: ast.AST, module: Module) -> bool | Unknown:
    """Return whether a value counts as true."""
    value = as_given(value, node, module)
    if isinstance(value, Unknown):
        return value
    if isinstance(value, Symbol | Made | LocalFunction):
        return Unknown(f"`{ast.unparse(node)}` is known when the file runs", module.place(node))
    return bool(value)


def as_given(value: Value, node: ast.AST, module: Module) -> Value:
    """Return a value; for one of the environment, what the user gives for it."""
    if not isinstance(value, EnvText):
        return value
    text = module.given.text(value, module.place(node))
    if text == "":
        # A variable that is not set, and has no default.
        return None
    if isinstance(text, Unknown) or not isinstance(value, EnvNumber):
        return text
    try:
        return int(text)
    except ValueError:
        return Unknown(f"`{ast.unparse(node)}` takes {text!r} for a number", module.place(node))


def is_reached(
    node: ast.AST,
    module: Module,
    at: ast.AST | None = None,
    branches: Iterable[ast.AST] | None = None,
) -> bool | Unknown:
    """Return whether the conditions around a node let the file get to it.

    With `at`, for who is there already: an arm that both are in was taken. `branches` are the
    conditions to look at, by default all of the node's scope.
    """
    undecided: Unknown | None = None
    found = module.branches_around(node) if branches is None else branches
    # The outermost first, since the inner ones mean nothing where it is not taken.
    for branch in reversed([*found]):
        taken = _takes(branch, node, module, at)
        if taken is False:
            return False
        if isinstance(taken, Unknown):
            undecided = taken
    return undecided or True


def _takes(branch: ast.AST, node: ast.AST, module: Module, at: ast.AST | None) -> bool | Unknown:
    """Return whether a condition is decided for the arm that a node is in."""
    if not isinstance(branch, ast.If | ast.IfExp):
        kind = type(branch).__name__.lower()
        return Unknown(f"it is in `{kind}`", module.place(branch))
    arm = _arm_of(node, branch, module)
    if arm == "test":
        return True
    there = _arm_of(at, branch, module) if at is not None else ""
    if there in ("body", "orelse") and module.loop_around(branch) is None:
        return there == arm
    found = _decide(branch, module)
    return found if isinstance(found, Unknown) else found == (arm == "body")


def _decide(branch: ast.If | ast.IfExp, module: Module) -> bool | Unknown:
    """Return whether a condition holds; each is decided once in a turn of loops."""
    known = module.decisions
    if (id(module.turn), branch) in known.made:
        return known.made[id(module.turn), branch]
    if branch in known.open or len(known.open) >= _MOST_AT_ONCE:
        known.refused += 1
        return Unknown(f"`{ast.unparse(branch.test)}` depends on itself", module.place(branch))
    known.open.append(branch)
    before = known.refused
    try:
        found = holds(branch.test, module)
    finally:
        known.open.pop()
    if known.refused == before:
        known.keep(module.turn, branch, found)
    return found


def _arm_of(node: ast.AST, branch: ast.If | ast.IfExp, module: Module) -> str:
    """Return the field of a condition that a node is in, "" for none."""
    for name in ("test", "body", "orelse"):
        part = getattr(branch, name)
        if any(module.is_in(node, each) for each in (part if isinstance(part, list) else [part])):
            return name
    return ""


def compare(
    left: Value, kind: ast.cmpop, right: Value, node: ast.AST, module: Module
) -> bool | Unknown:
    """Return whether two values compare so."""
    is_object = isinstance(left, Made | LocalFunction | list | tuple | dict)
    if is_object and right is None and isinstance(kind, _IS):
        return isinstance(kind, ast.IsNot)
    left, right = (as_given(each, node, module) for each in (left, right))
    if found := first_unknown([left, right]):
        return found
    fits = _fits_in(left, right) if isinstance(kind, _IN) else _fits(left, right, kind)
    try:
        if fits:
            return bool(_COMPARED[type(kind)](left, right))
    except TypeError:
        pass
    return Unknown(f"`{ast.unparse(node)}` is known when the file runs", module.place(node))


def _fits(left: Value, right: Value, kind: ast.cmpop) -> bool:
    """Return whether two values compare as they do in Python: a list here may be a tuple there."""
    is_same = not isinstance(kind, _IS) or right is None or isinstance(right, bool)
    return is_same and _is_scalar(left) and _is_scalar(right)


def _fits_in(left: Value, right: Value) -> bool:
    if isinstance(right, str):
        return type(right) is str and type(left) is str
    return (
        _is_scalar(left) and isinstance(right, list | tuple | dict) and all(map(_is_scalar, right))
    )


def _is_scalar(value: Value) -> bool:
    return value is None or type(value) in (str, int, float, bool)


def _is_the_same(left: Value, right: Value) -> bool:
    return type(left) is type(right) and bool(left == right)


_IS = (ast.Is, ast.IsNot)
_IN = (ast.In, ast.NotIn)
_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Is: _is_the_same,
    ast.IsNot: lambda left, right: not _is_the_same(left, right),
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
