"""The turns of the loops around a node, and what their names stand for in each."""

from __future__ import annotations

import ast

from floe_import.python.evaluate import evaluate
from floe_import.python.modules import Module, Turn
from floe_import.python.unpacking import names_of_turns
from floe_import.python.values import Unknown, Value

MOST_TURNS = 100


def turns_around(node: ast.AST, module: Module) -> list[Turn] | Unknown:
    """Return the turns of all loops that a node is in, `[{}]` if it is in none.

    They are unknown unless each turn reaches the node, over values that the source tells.
    """
    loops = [*module.loops_around(node)]
    for loop in loops:
        if unsure := _what_decides(node, loop, module):
            return unsure
    turns: list[Turn] = [{}]
    for loop in reversed(loops):
        found: list[Turn] = []
        for turn in turns:
            with module.in_turn(turn):
                inner = _turns_of(loop, module)
            if isinstance(inner, Unknown):
                return inner
            found += [{**turn, loop: names} for names in inner]
        turns = found
    if not 0 < len(turns) <= MOST_TURNS:
        why = f"the loop has {len(turns)} turns, and floe import reads 1 to {MOST_TURNS}"
        return Unknown(why, module.place(loops[0]))
    return turns


def _what_decides(node: ast.AST, loop: ast.AST, module: Module) -> Unknown | None:
    """Return what decides whether a turn of a loop reaches a node, None if nothing does."""
    for each in ast.walk(loop):
        if isinstance(each, ast.Continue | ast.Break | ast.Return):
            return Unknown("the loop can leave a turn early", module.place(each))
        if isinstance(each, ast.comprehension) and each.ifs:
            return Unknown("the loop leaves some turns out", module.place(each.ifs[0]))
    branch = module.branch_around(node)
    if branch is not None and module.is_in(branch, loop):
        return Unknown("a condition in the loop decides about it", module.place(branch))
    return None


def _turns_of(loop: ast.AST, module: Module) -> list[dict[str, Value]] | Unknown:
    """Return what a loop's names stand for in each of its turns."""
    match loop:
        case ast.For(target=target, iter=values):
            pass
        case (
            ast.ListComp(generators=[ast.comprehension(target=target, iter=values, is_async=0)])
            | ast.SetComp(generators=[ast.comprehension(target=target, iter=values, is_async=0)])
            | ast.DictComp(generators=[ast.comprehension(target=target, iter=values, is_async=0)])
        ):
            pass
        case _:
            return Unknown("how often the loop turns is told by its run", module.place(loop))
    found = evaluate(values, module)
    if isinstance(found, Unknown):
        return found
    if not isinstance(found, list | tuple | dict):
        what = f"`{ast.unparse(values)}` is no list, tuple or dict in this file"
        return Unknown(what, module.place(values))
    turns = names_of_turns(target, found)
    if turns is None:
        what = f"`{ast.unparse(target)}` does not take its values apart"
        return Unknown(what, module.place(target))
    return turns
