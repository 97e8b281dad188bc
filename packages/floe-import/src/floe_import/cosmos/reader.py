"""Read a file that uses Cosmos, and report whatever of it no rule has read."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache, partial
from pathlib import Path

from floe_core.foundation.errors import InvalidProductError
from floe_import.cosmos.assets import asset_user
from floe_import.cosmos.book import BOOK
from floe_import.cosmos.groups import GROUPS, CosmosGroups, cosmos_calls
from floe_import.drafts import Reading
from floe_import.python.evaluate import evaluate
from floe_import.python.modules import Module
from floe_import.python.names import value_of_name
from floe_import.python.objects import LocalFunction, LocalModule, Made
from floe_import.python.values import Symbol, Value
from floe_import.report import exact, unknown
from floe_import.rules.judging import Judging


def choices_of(calls: Iterable[ast.Call], module: Module) -> set[ast.AST]:
    """Return the nodes of all values that the names in these calls are given, and of theirs."""
    found: set[ast.AST] = set()
    open_nodes: list[ast.AST] = list(calls)
    while open_nodes:
        for node in ast.walk(open_nodes.pop()):
            if node not in found:
                found.add(node)
                open_nodes += _values_of(node, module)
    return found


def _values_of(node: ast.AST, module: Module) -> list[ast.AST]:
    """Return what a name is given by its assignments, or by the function that it stands for."""
    if not isinstance(node, ast.Name):
        return []
    for scope in module.scopes_of(node):
        if bindings := module.bindings.get((scope, node.id)):
            functions = [each.node for each in bindings if isinstance(each.node, ast.FunctionDef)]
            return [*(each.value for each in bindings if each.value), *functions]
    return []


def report_leftovers(module: Module, groups: CosmosGroups) -> None:
    """Report the calls and names of Cosmos that no group has read."""
    stays = _report_operators(module, groups)
    covered = _within(groups.read, module)
    unused = {call for call in _configurations(module) if not is_used(call, module)}
    covered |= _within(unused, module) - {call.func for call in unused}
    for node in _loads(module):
        if node not in covered:
            _report_name(node, module, groups, stays)
    if groups.decided:
        _report_files(module, groups)


def _report_files(module: Module, groups: CosmosGroups) -> None:
    """Report the other files whose constants this one goes on to import, and that import Cosmos."""
    for (scope, name), bindings in module.bindings.items():
        for each in bindings if scope is module.tree else ():
            value = value_of_name(name, module, module.tree.body[-1])
            makes_cosmos = isinstance(value, LocalFunction) and uses_cosmos(value)
            if not each.imported or is_cosmos(value) or makes_cosmos:
                continue
            owner = each.imported.rpartition(".")[0]
            files = (module.file_of(text, each.level) for text in (each.imported, owner))
            file = next(filter(None, files), None)
            if file and _imports_cosmos(module, file):
                said = exact(f"{file} imports Cosmos: keep it installed while this file needs it")
                place = module.place(each.node)
                groups.judging.add("COS011", f"import of {name}", place, said)


def _imports_cosmos(module: Module, file: Path) -> bool:
    try:
        other = module.open(file)
    except InvalidProductError:
        return False  # It is reported.
    names = (each.imported for found in other.bindings.values() for each in found)
    return any(name.partition(".")[0] == "cosmos" for name in names)


def _report_operators(module: Module, groups: CosmosGroups) -> list[ast.Call]:
    """Report the tasks that stay, and return their calls."""
    found = []
    for made in cosmos_calls(module):
        place = module.place(made.call)
        if made.call in groups.read or made.call in _within(groups.read, module):
            continue
        if made.last.endswith("Operator"):
            groups.read.add(made.call)
            said = exact("the task stays as it is, and keeps Cosmos installed")
            groups.judging.add("COS004", made.last, place, said)
            found.append(made.call)
    return found


def _report_name(
    node: ast.Name | ast.Attribute, module: Module, groups: CosmosGroups, stays: list[ast.Call]
) -> None:
    value, place = evaluate(node, module), module.place(node)
    text = ast.unparse(node)
    parent = module.parents.get(node)
    if isinstance(value, Symbol) and value.name.startswith("cosmos."):
        if isinstance(parent, ast.Call) and parent.func is node:
            if parent in _configurations(module):
                if not is_used(parent, module):
                    said = "nothing in this file uses it, so nothing is lost without it"
                    groups.judging.add("COS008", text, place, exact(said))
                    return
                if parent in choices_of(groups.decided, module):
                    said = "no group takes it, where another one is chosen"
                    groups.judging.add("COS008", text, place, exact(said))
                    return
                if parent in choices_of(stays, module):
                    said = "it stays with the tasks of Cosmos that use it"
                    groups.judging.add("COS008", text, place, exact(said))
                    return
            said = f"`{text}` makes something that no group uses: decide what it is for"
            if parent in choices_of([made.call for made, _ in groups.made], module):
                said = "whether a group takes it is not decided"
            if value.last in GROUPS:
                said = f"`{text}` is not read: decide what it is to become"
            groups.judging.add("COS005", text, place, unknown(said))
        elif not _is_annotation(node, module):
            said = f"`{text}` is used in a way that no rule reads: decide what it is to become"
            groups.judging.add("COS005", text, place, unknown(said))
    elif isinstance(value, Made) and value.name.startswith("cosmos."):
        is_other = value.last in GROUPS or value.last.endswith("Operator")
        # What uses another name of it is read, or reported.
        is_read = value.call in groups.read and _is_passed_on(node, groups, module)
        if not is_other and not is_read and not _is_renamed(node, parent):
            said = f"`{text}` is a {value.last} that code outside the groups uses: decide what for"
            groups.judging.add("COS006", text, place, unknown(said))
    elif isinstance(value, LocalFunction) and value.module is not module and uses_cosmos(value):
        made = evaluate(parent, module) if isinstance(parent, ast.Call) else None
        if isinstance(parent, ast.Call) and isinstance(made, Made) and made.call in groups.read:
            groups.read.add(parent)
            return
        said = f"it uses Cosmos ({value.module.place(value.node)}): decide what it is to become"
        groups.judging.add("COS007", text, place, unknown(said))


def _configurations(module: Module) -> set[ast.Call]:
    """Return the calls of configuration objects; those that no group uses lose nothing."""
    names = ("ProjectConfig", "ProfileConfig", "ExecutionConfig", "RenderConfig")
    found = set()
    for made in cosmos_calls(module):
        if made.last in names or made.last.endswith("ProfileMapping"):
            found.add(made.call)
    return found


def is_used(call: ast.Call, module: Module) -> bool:
    """Return whether code may use what a call makes.

    None does where it is only assigned, or returned by a function that nothing calls.
    """
    parent = module.parents.get(call)
    targets = parent.targets if isinstance(parent, ast.Assign) else []
    names = {each.id if isinstance(each, ast.Name) else "" for each in targets}
    function = module.scope_of(call) if isinstance(parent, ast.Return) else None
    if isinstance(function, ast.FunctionDef) and module.is_only_named(function):
        names = {function.name}
    reads = (n for n in ast.walk(module.tree) if isinstance(n, ast.Name))
    is_read = any(isinstance(each.ctx, ast.Load) and each.id in names for each in reads)
    return is_read or not names or "" in names


def uses_cosmos(function: LocalFunction) -> bool:
    """Return whether a function or class of the user has a name of Cosmos in it."""
    inner = (n for n in ast.walk(function.node) if isinstance(n, ast.Name | ast.Attribute))
    return any(is_cosmos(value_of(node, function.module)) for node in inner)


def value_of(node: ast.Name | ast.Attribute, module: Module) -> Value:
    """Return what a name stands for."""
    if isinstance(node, ast.Name):
        return value_of_name(node.id, module, node)
    return evaluate(node, module)


def is_cosmos(value: Value) -> bool:
    """Return whether a value is Cosmos's: a name, or what a call of it makes."""
    return isinstance(value, Symbol | Made) and value.name.startswith("cosmos.")


def _loads(module: Module) -> Iterator[ast.Name | ast.Attribute]:
    """Yield the outermost names and attributes that a file reads."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Name | ast.Attribute) or not isinstance(node.ctx, ast.Load):
            continue
        parent = module.parents.get(node)
        if isinstance(parent, ast.Attribute) and isinstance(
            evaluate(node, module), Symbol | LocalModule
        ):
            continue
        yield node


def _within(calls: set[ast.Call], module: Module) -> set[ast.AST]:
    return {inner for call in calls for inner in ast.walk(call)}


def _is_renamed(node: ast.AST, parent: ast.AST | None) -> bool:
    """Return whether a value is only given another name."""
    is_value = isinstance(parent, ast.Assign) and parent.value is node
    return is_value and all(isinstance(each, ast.Name) for each in parent.targets)  # type: ignore[union-attr]


def _is_passed_on(node: ast.AST, groups: CosmosGroups, module: Module) -> bool:
    """Return whether a function returns a value, or one that makes a group takes it."""
    call = module.parents.get(node)
    while isinstance(call, ast.keyword | ast.Tuple | ast.List | ast.Dict):
        call = module.parents.get(call)
    if isinstance(call, ast.Return):
        return True
    called = evaluate(call.func, module) if isinstance(call, ast.Call) else None
    if not isinstance(called, LocalFunction) or called.module is not module:
        return False
    return any(module.is_in(made.call, called.node) for made, _ in groups.made)


def _is_annotation(node: ast.AST, module: Module) -> bool:
    """Return whether a node is in the annotation of a variable, a parameter or a result."""
    at: ast.AST | None = node
    while at is not None:
        parent = module.parents.get(at)
        if isinstance(parent, ast.AnnAssign | ast.arg) and parent.annotation is at:
            return True
        if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef) and parent.returns is at:
            return True
        at = parent
    return False


# What is unknown about credentials does not decide what a group runs.
HARMLESS = frozenset({"COS201", "COS202", "COS203", "COS003", "COS702"})
_CONFIGURATIONS = ("Config", "ProfileMapping", "Mode", "Behavior")


def read_cosmos(module: Module, read: set[ast.AST]) -> Reading:
    """Return what a file makes with Cosmos; adds what it has read to `read`."""
    groups = CosmosGroups(
        Judging(BOOK, HARMLESS), module.connections, cache(partial(asset_user, module.path))
    )
    groups.read_file(module)
    report_leftovers(module, groups)
    read.update(node for call in groups.read for node in ast.walk(call))
    found = list(groups.judging.found.values())
    return Reading([(made.call, draft) for made, draft in groups.made], found, _goes)


def _goes(value: Value) -> bool:
    """Return whether what nothing reads goes: a name of Cosmos, or one of its configurations.

    So does a function that makes them. A task or group stays without a name as well, since making
    it puts it into its DAG.
    """
    if isinstance(value, LocalFunction):
        return uses_cosmos(value)
    is_object = isinstance(value, Made) and value.last.endswith(_CONFIGURATIONS)
    return is_cosmos(value) and (isinstance(value, Symbol) or is_object)
