"""An import contract: only the doors of a package use names that a library keeps to itself.

import-linter itself takes a library for a single module, so this reads the sources. Private are a
library's modules outside `public`, and underscored names of anything that the module in which they
are used does not define itself.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

_OWN = {"self", "cls"}
_BY_NAME = {"getattr", "hasattr", "setattr", "delattr"}
_IMPORTERS = {"import_module", "find_spec", "__import__"}
# Underscored, and documented.
_DOCUMENTED = {"os._exit"}


@dataclass(frozen=True)
class Library:
    """Distributions' import packages, and what of them is public: `a.b`, or with `a.b.*` all in it.

    >>> Library({"dagster"}, {"dagster"}).keeps_to_itself("dagster._core.storage")
    True
    """

    roots: Collection[str]
    public: Collection[str]

    def keeps_to_itself(self, module: str) -> bool:
        """Return whether a module, or a name of one, is private to the library."""
        parts = module.split(".")
        if parts[0] not in self.roots:
            return False
        above = {".".join(parts[:end]) + ".*" for end in range(1, len(parts) + 1)}
        return module not in self.public and not above & set(self.public)


def private_uses(source: str, library: Library) -> list[tuple[int, str]]:
    """Return line and name of each private name in a module's source, in order."""
    tree = ast.parse(source)
    own = set(_defined_in(tree))
    return sorted(
        (line, name) for node in ast.walk(tree) for line, name in _uses_in(node, library, own)
    )


def _uses_in(node: ast.AST, library: Library, own: set[str]) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
        yield from ((node.lineno, name) for name in names if library.keeps_to_itself(name))
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield from ((node.lineno, name) for name in _private_imports(node, library))
    elif isinstance(node, ast.Attribute) and _is_private(node.attr, own) and not _is_own(node):
        yield node.lineno, ast.unparse(node)
    elif isinstance(node, ast.Call):
        yield from _uses_by_name(node, library, own)


def _private_imports(node: ast.ImportFrom, library: Library) -> Iterator[str]:
    module = str(node.module)
    for alias in node.names:
        name = f"{module}.{alias.name}"
        is_offered = not library.keeps_to_itself(module) and not alias.name.startswith("_")
        if library.keeps_to_itself(name) and not is_offered:
            yield name


def _uses_by_name(call: ast.Call, library: Library, own: set[str]) -> Iterator[tuple[int, str]]:
    """Yield what is reached through a text: `getattr(x, "_y")`, `import_module("x._y")`."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    texts = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    for text in texts:
        if name in _IMPORTERS and library.keeps_to_itself(text):
            yield call.lineno, text
        elif name in _BY_NAME and _is_private(text, own):
            yield call.lineno, ast.unparse(call)


def _is_private(name: str, own: set[str]) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in own


def _is_own(node: ast.Attribute) -> bool:
    of_this = isinstance(node.value, ast.Name) and node.value.id in _OWN
    return of_this or ast.unparse(node) in _DOCUMENTED


def _defined_in(tree: ast.AST) -> Iterator[str]:
    """Yield the functions, methods and attributes that a module defines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_own(node):
            yield node.attr


class OneDoorContract(Contract):
    """Breaks for each private name of `libraries` in `package`, outside the files `doors`."""

    type_name = "one_door"

    package = fields.StringField()
    doors = fields.SetField(subfield=fields.StringField())
    libraries = fields.SetField(subfield=fields.StringField())
    public = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Return what the sources use, by file."""
        spec = find_spec(str(self.package))
        folder = Path(str(spec.origin)).parent if spec else Path()
        library = Library(frozenset(self.libraries), frozenset(self.public))
        found = [
            f"{path.relative_to(folder)}:{line}: {name}"
            for path in sorted(folder.rglob("*.py"))
            if str(path.relative_to(folder)) not in set(self.doors)
            for line, name in private_uses(path.read_text(encoding="utf-8"), library)
        ]
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each use, and what to do."""
        for use in check.metadata["found"]:
            output.print_error(f"{self.package}: {use}")
        doors = " or ".join(sorted(set(self.doors)))
        output.print_error(f"Use it in {doors} alone, with a way to go on without it.")
