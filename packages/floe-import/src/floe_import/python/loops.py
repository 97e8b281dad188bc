"""The turns of the loops around a node, and the calls of the function that it is in."""

from __future__ import annotations

import ast

from floe_import.python.arguments import names_of_turns, values_of_call
from floe_import.python.conditions import holds, is_reached
from floe_import.python.evaluate import evaluate
from floe_import.python.modules import Module, Names, Turn
from floe_import.python.names import value_of_name
from floe_import.python.objects import LocalFunction, Made
from floe_import.python.values import Symbol, Unknown, Value, first_unknown

MOST_TURNS = 100
_DEEPEST = 5
# Keywords of a task's call that are for Prefect.
_OF_PREFECT = ("wait_for", "return_state")
# Methods of a flow that make deployments, whose runs have the defaults of its parameters.
_DEPLOYS = ("serve", "deploy", "to_deployment")


def is_task_of_prefect(decorator: Value) -> bool:
    """Return whether a decorator is Prefect's `task`, with arguments or without."""
    return isinstance(decorator, Symbol | Made) and decorator.name == "prefect.task"


def is_flow_of_prefect(decorator: Value) -> bool:
    """Return whether a decorator is Prefect's `flow`, with arguments or without."""
    return isinstance(decorator, Symbol | Made) and decorator.name == "prefect.flow"


def turns_around(node: ast.AST, module: Module, depth: int = 0) -> list[Turn] | Unknown:
    """Return the turns of all loops that a node is in, for each call of the function around it.

    `[{}]` if nothing repeats the node. They are unknown unless each turn reaches it, over values
    that the source tells.
    """
    loops = [*module.loops_around(node)]
    turns = _turns_of_calls(node, module, depth) if depth < _DEEPEST else [{}]
    for loop in reversed(loops):
        if isinstance(turns, Unknown):
            return turns
        turns = _inner_turns(turns, loop, node, module)
    if not isinstance(turns, Unknown) and not 0 < len(turns) <= MOST_TURNS:
        why = f"it is made {len(turns)} times, and floe import reads 1 to {MOST_TURNS}"
        return Unknown(why, module.place(node))
    return turns


def _inner_turns(
    turns: list[Turn], loop: ast.AST, node: ast.AST, module: Module
) -> list[Turn] | Unknown:
    """Return the turns of a loop that get to a node, in each turn of what is around it."""
    found: list[Turn] = []
    for turn in turns:
        with module.in_turn(turn):
            inner = _turns_of(loop, module)
        if isinstance(inner, Unknown):
            return inner
        for values in inner:
            one = {**turn, loop: Names(values)}
            with module.in_turn(one):
                gets_there = _gets_to(node, loop, module)
            if isinstance(gets_there, Unknown):
                return gets_there
            if gets_there:
                found.append(one)
    return found


def _turns_of_calls(node: ast.AST, module: Module, depth: int) -> list[Turn] | Unknown:
    """Return the calls of the innermost function with parameters that a node is in.

    `[{}]` if it can't be told which they are, or which of them reach the node.
    """
    scopes = module.scopes_of(node)
    function = next((each for each in scopes if _takes_values(each, module)), None)
    if not isinstance(function, ast.FunctionDef):
        return [{}]
    calls = _calls_of(function, module)
    found: list[Turn] = []
    for call in calls:
        turns = turns_around(call, module, depth + 1) if call in module.parents else [{}]
        if isinstance(turns, Unknown):
            return turns
        for turn in turns:
            with module.in_turn(turn):
                values = values_of_call(call, module, function, module, _OF_PREFECT)
            if values is None:
                return Unknown(
                    "this call does not tell which argument is which", module.place(call)
                )
            one = {**turn, function: Names(values, call)}
            with module.in_turn(one):
                gets_there = _gets_to(node, function, module)
            if isinstance(gets_there, Unknown):
                return [{}]
            if gets_there:
                found.append(one)
    return found if calls else [{}]


def _takes_values(scope: ast.AST, module: Module) -> bool:
    """Return whether a scope is a function that only its own calls give values."""
    if not isinstance(scope, ast.FunctionDef):
        return False
    decorators = [evaluate(each, module) for each in scope.decorator_list]
    if not all(is_task_of_prefect(each) or is_flow_of_prefect(each) for each in decorators):
        return False
    given = scope.args
    hidden = given.posonlyargs or given.vararg or given.kwarg
    return bool(given.args or given.kwonlyargs) and not hidden


def _calls_of(function: ast.FunctionDef, module: Module) -> list[ast.Call]:
    """Return all calls of a function in its file; none if it is also used in another way.

    Of a flow of Prefect, one without arguments stands for the runs that nothing in the file starts.
    """
    found: list[ast.Call] = []
    is_flow = any(is_flow_of_prefect(evaluate(each, module)) for each in function.decorator_list)
    is_deployed = False
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Name) or node.id != function.name:
            continue
        value = value_of_name(node.id, module, node)
        if not isinstance(value, LocalFunction) or value.node is not function:
            continue
        called: ast.AST | None = node
        parent = module.parents.get(node)
        if is_flow and _deploys_defaults(parent, module):
            is_deployed = True
            continue
        if isinstance(parent, ast.Attribute) and parent.attr == "submit":
            called, parent = parent, module.parents.get(parent)
        if not isinstance(parent, ast.Call) or parent.func is not called:
            return []
        if module.is_in(node, function):
            return []
        found.append(parent)
    given = function.args
    has_defaults = len(given.defaults) == len(given.args) and all(given.kw_defaults)
    if is_flow and (is_deployed or not found):
        if not has_defaults:
            return []
        name = ast.copy_location(ast.Name(function.name, ast.Load()), function)
        found.append(ast.copy_location(ast.Call(name, [], []), function))
    return found


def _deploys_defaults(use: ast.AST | None, module: Module) -> bool:
    """Return whether a flow is deployed with the defaults of its parameters."""
    if not isinstance(use, ast.Attribute) or use.attr not in _DEPLOYS:
        return False
    call = module.parents.get(use)
    given = call.keywords if isinstance(call, ast.Call) else []
    return bool(given) and all(each.arg not in (None, "parameters", "schedules") for each in given)


def _gets_to(node: ast.AST, owner: ast.AST, module: Module) -> bool | Unknown:
    """Return whether a turn of a loop, or a call of a function, gets to a node in it.

    What an inner loop decides is for its turns.
    """
    for each in ast.walk(owner):
        if isinstance(each, ast.Continue | ast.Break | ast.Return):
            leaves = _leaves(each, node, owner, module)
            if leaves is not False:
                return leaves if isinstance(leaves, Unknown) else False
    kept = [
        holds(test, module)
        for part in getattr(owner, "generators", ())
        for test in part.ifs
        if node is not test
    ]
    if unsure := first_unknown(kept):
        return unsure
    return all(kept) and is_reached(node, module, branches=_branches_in(owner, node, module))


def _leaves(end: ast.stmt, node: ast.AST, owner: ast.AST, module: Module) -> bool | Unknown:
    """Return whether a turn or a call ends at a statement, before it gets to a node."""
    is_later = end.lineno > getattr(node, "lineno", 0) and not isinstance(end, ast.Break)
    is_deferred = module.scope_of(end) is not module.scope_of(_first_statement(owner))
    if is_later or is_deferred or module.is_in(node, end):
        return False
    found = is_reached(end, module, branches=_branches_in(owner, end, module))
    is_of_owner = module.loop_around(end) is (None if isinstance(end, ast.Return) else owner)
    if found is False or (found is True and is_of_owner and not isinstance(end, ast.Break)):
        return found
    return Unknown("it can be left early here", module.place(end))


def _first_statement(owner: ast.AST) -> ast.AST:
    return next(iter(getattr(owner, "body", [])), owner)


def _branches_in(owner: ast.AST, node: ast.AST, module: Module) -> list[ast.AST]:
    """Return the conditions around a node that are in a loop or function, and in no loop of it."""
    is_loop = not isinstance(owner, ast.FunctionDef)
    return [
        each
        for each in module.branches_around(node)
        if module.is_in(each, owner) and module.loop_around(each) is (owner if is_loop else None)
    ]


def _turns_of(loop: ast.AST, module: Module) -> list[dict[str, Value]] | Unknown:
    """Return what a loop's names stand for in each of its turns."""
    match loop:
        case ast.For() as part:
            pass
        case (
            ast.ListComp(generators=[part])
            | ast.SetComp(generators=[part])
            | ast.DictComp(generators=[part])
        ) if not part.is_async:
            pass
        case _:
            return Unknown("only a run tells how often the loop turns", module.place(loop))
    found = evaluate(part.iter, module)
    if isinstance(found, Unknown):
        return found
    if not isinstance(found, list | tuple | dict):
        what = f"`{ast.unparse(part.iter)}` is no list, tuple or dict in this file"
        return Unknown(what, module.place(part.iter))
    turns = names_of_turns(part.target, found)
    if turns is None:
        what = f"`{ast.unparse(part.target)}` does not fit each value of the loop"
        return Unknown(what, module.place(part.target))
    return turns
