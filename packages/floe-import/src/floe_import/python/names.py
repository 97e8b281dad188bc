"""What names and attributes stand for: constants, parameters, imports, other files."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from floe_core.foundation.errors import InvalidProductError
from floe_import.python.changes import with_changes
from floe_import.python.conditions import is_reached
from floe_import.python.evaluate import computed, evaluate, is_too_deep, reads
from floe_import.python.known_calls import attribute_of_text
from floe_import.python.modules import Binding, Module
from floe_import.python.objects import LocalFunction, LocalModule
from floe_import.python.values import Instance, LocalPath, Symbol, Unknown, Value

# Never files of the user, even if a folder of that name is beside the file. A folder `dbt` may be
# the user's: it is often the one with the projects.
_LIBRARIES = frozenset(
    {"airflow", "cosmos", "dagster", "dagster_dbt", "os", "prefect", "prefect_dbt"}
)


def value_of_name(name: str, module: Module, at: ast.AST, depth: int = 0) -> Value:
    """Return what a name stands for at a node."""
    for scope in module.scopes_of(at):
        if found := _reached(module.bindings.get((scope, name), []), module, at):
            if turn := module.bound_in_turn(name, found, at, _is_sure(module, at)):
                owner, binding = turn
                known = module.turn[owner].values
                return evaluate(binding.value, module, depth) if binding.value else known[name]
            return _value_at(name, found, scope, at, module, depth)
    return _from_star(name, module, depth) or Symbol(f"builtins.{name}")


def _from_star(name: str, module: Module, depth: int) -> Value | None:
    """Return what `from ... import *` of another file of the user brings, None if nothing does."""
    for star in reversed(module.bindings.get((module.tree, "*"), [])):
        owner = star.imported.rpartition(".")[0]
        file = module.file_of(owner, star.level) if owner or star.level else None
        try:
            other = module.open(file) if file and not is_too_deep(depth) else None
        except InvalidProductError:
            continue  # The import is reported.
        if other and (other.tree, name) in other.bindings:
            return _member(other, name, depth + 1)
        if other and (found := _from_star(name, other, depth + 1)):
            return found
    return None


def _reached(found: Sequence[Binding], module: Module, at: ast.AST | None) -> Sequence[Binding]:
    """Return the bindings without those that no condition lets the file get to."""
    found = module.where_all_is_installed(found)
    return [
        each
        for each in found
        if module.is_after(each.node, at) or is_reached(each.node, module, at) is not False
    ]


def _is_sure(module: Module, at: ast.AST | None) -> Callable[[ast.AST], bool]:
    """Return what tells whether the file gets to a node in any case, for who is at another one."""
    return lambda node: is_reached(node, module, at) is True


def _value_at(
    name: str,
    found: Sequence[Binding],
    scope: ast.AST,
    at: ast.AST | None,
    module: Module,
    depth: int,
) -> Value:
    """Return what the bindings of a scope make of a name at a node."""
    found = module.in_force(found, scope, at, _is_sure(module, at))
    first = found[0]
    if all(each.imported for each in found):
        value = _imported(first, module, depth)
        return with_changes(value, name, first, scope, at, module, depth)
    for each in found:
        unsure = is_reached(each.node, module, at)
        if isinstance(unsure, Unknown):
            why = f"`{name}` depends on a condition ({unsure.why})"
            return Unknown(why, module.place(each.node))
    if len(found) > 1:
        why = f"`{name}` is assigned {len(found)} times"
        return Unknown(why, module.place(found[1].node))
    if module.is_set_elsewhere(first, scope):
        return Unknown(f"a function sets `{name}`", module.place(first.node))
    if isinstance(first.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return LocalFunction(name, first.node, module)
    if isinstance(first.node, ast.arg):
        return Unknown(f"`{name}` is a parameter of a function", module.place(first.node))
    if first.value is None or module.loop_around(first.node):
        return Unknown(f"`{name}` is set by a loop or an unpacking", module.place(first.node))
    value = evaluate(first.value, module, depth)
    return with_changes(value, name, first, scope, at, module, depth)


def _imported(binding: Binding, module: Module, depth: int) -> Value:
    name = binding.imported
    if not binding.level and name.partition(".")[0] in _LIBRARIES:
        return Symbol(name)
    try:
        return _local_import(name, binding, module, depth)
    except InvalidProductError as error:
        return Unknown(f"`{name}`: {error.problems[0].what}", module.place(binding.node))


def _local_import(name: str, binding: Binding, module: Module, depth: int) -> Value:
    file = module.file_of(name, binding.level)
    if isinstance(binding.node, ast.Import):
        return LocalModule(module.open(file)) if file else Symbol(name)
    owner, _, last = name.rpartition(".")
    package = module.file_of(owner, binding.level)
    # What a package itself has goes before a module of the same name in it.
    if package and (file is None or _has(module.open(package), last, depth)):
        return _member(module.open(package), last, depth)
    if file:
        return LocalModule(module.open(file))
    if binding.level:
        return Unknown(f"the module of `{name}` was not found", module.place(binding.node))
    return Symbol(name)


def _has(module: Module, name: str, depth: int) -> bool:
    """Return whether a module has a name by a statement of its own."""
    bound = (module.tree, name) in module.bindings
    return bound or _from_star(name, module, depth) is not None


def _member(module: Module, name: str, depth: int) -> Value:
    found = _reached(module.bindings.get((module.tree, name), []), module, None)
    if not found and (value := _from_star(name, module, depth)) is not None:
        return value
    if not found:
        return Unknown(f"`{name}` is not defined in {module.path}", module.place(module.tree))
    if is_too_deep(depth):
        return Unknown(f"`{name}` is defined by itself", module.place(module.tree))
    return _value_at(name, found, module.tree, None, module, depth + 1)


@reads(ast.Name)
def _name(node: ast.Name, module: Module, depth: int) -> Value:
    if node.id == "__file__":
        return LocalPath(str(module.path.absolute()))
    return value_of_name(node.id, module, node, depth)


@reads(ast.Attribute)
def _attribute(node: ast.Attribute, module: Module, depth: int) -> Value:
    return attribute_of(evaluate(node.value, module, depth), node, module, depth)


def attribute_of(base: Value, node: ast.Attribute, module: Module, depth: int) -> Value:
    """Return an attribute of a value."""
    match base:
        case Symbol():
            return Symbol(f"{base.name}.{node.attr}")
        case LocalModule():
            return _member(base.module, node.attr, depth)
        case LocalFunction(node=ast.ClassDef() as made):
            found = _reached(base.module.bindings.get((made, node.attr), []), base.module, None)
            if found:
                return _value_at(node.attr, found, made, None, base.module, depth)
        case str():
            found_text = attribute_of_text(base, node.attr)
            if found_text is not None:
                return found_text
        case Instance() if node.attr in base.values:
            return base.values[node.attr]
        case Instance():
            return computed(node, module)
        case Unknown():
            return base
    return computed(node, module)
