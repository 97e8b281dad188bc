"""The names that floe borrows from a library, and how to take them away for a while."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

Name = tuple[str, str]


def borrowed_names(door: Path, *libraries: str) -> list[Name]:
    """Return module and name of all that a module imports from these libraries when it runs."""
    return sorted(
        {
            (str(found.module), alias.name)
            for found in _run_in(ast.parse(door.read_text()))
            if isinstance(found, ast.ImportFrom) and str(found.module).split(".")[0] in libraries
            for alias in found.names
        }
    )


def _run_in(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what is below a node, without what only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from _run_in(child)


def fresh_module(name: str) -> ModuleType:
    """Return a module of its own, run anew: whole, whatever was replaced in the imported one."""
    spec = find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    fresh = module_from_spec(spec)
    spec.loader.exec_module(fresh)
    return fresh


@contextmanager
def without(module: str, name: str) -> Iterator[None]:
    """Take a name of a module away inside the block: whoever imports it there gets an ImportError.

    The module itself, and who has imported it before, keep it: they would go by the new name.
    """
    whole, path = import_module(module), f"{module}.{name}"
    lacking = ModuleType(module)
    vars(lacking).update({each: value for each, value in vars(whole).items() if each != name})
    gone = {module: lacking, **({path: None} if path in sys.modules else {})}
    before = {each: sys.modules[each] for each in gone}
    sys.modules.update(gone)  # type: ignore[arg-type]
    try:
        yield
    finally:
        sys.modules.update(before)


@contextmanager
def without_attribute(owner: type, name: str) -> Iterator[None]:
    """Take an attribute away from a class and from those above it."""
    holders: list[Any] = [each for each in owner.__mro__ if name in vars(each)]
    values = [vars(each)[name] for each in holders]
    for each in holders:
        delattr(each, name)
    try:
        yield
    finally:
        for each, value in zip(holders, values, strict=True):
            setattr(each, name, value)
