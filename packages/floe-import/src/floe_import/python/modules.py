"""A Python file as a syntax tree, with its imports and what its names are bound to."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from floe_core.foundation.errors import InvalidProductError, Problem
from floe_import.python.given_values import GivenValues
from floe_import.python.values import Unknown
from floe_import.report import Place

_Node = TypeVar("_Node", bound=ast.AST)
Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
_SCOPES = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_LOOPS = (
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)
_BRANCHES = (ast.If, ast.Try, ast.Match, ast.IfExp)
MUTATORS = frozenset(
    {"append", "extend", "insert", "remove", "pop", "clear", "update", "setdefault", "sort", "add"}
)


@dataclass(frozen=True)
class Binding:
    """A statement that gives a name its value; `imported` is `module.name` for an import."""

    node: ast.AST
    value: ast.expr | None = None
    imported: str = ""
    level: int = 0


@dataclass(frozen=True)
class Names:
    """The names of a loop in one turn, or of a function in one call, with their values."""

    values: Mapping[str, Any]
    call: ast.Call | None = None


# Loop or function -> its names in one turn or call.
Turn = Mapping[ast.AST, Names]


@dataclass
class Decisions:
    """What conditions were found to be: (id of a turn, condition) -> true, false or unknown.

    `open` are those that are being decided, and `refused` counts those that had to wait for one.
    """

    made: dict[tuple[int, ast.AST], bool | Unknown] = field(default_factory=dict)
    open: list[ast.AST] = field(default_factory=list)
    refused: int = 0
    # Their ids stay theirs.
    _turns: dict[int, Turn] = field(default_factory=dict)

    def keep(self, turn: Turn, branch: ast.AST, found: bool | Unknown) -> None:
        """Keep what a condition was found to be in a turn."""
        self._turns[id(turn)] = turn
        self.made[id(turn), branch] = found


@dataclass(eq=False)
class Module:
    """A parsed file. `roots` are the folders in which its imports are looked up.

    `beside` are the files, resolved, that are imported together with it. `connections` are
    Airflow's, by their ids, as far as they are known. `turn` is what is being read: one turn of
    loops, or one call of functions. `given` is what the user says of values that no file has.
    """

    path: Path
    text: str
    tree: ast.Module
    roots: tuple[Path, ...]
    loaded: dict[Path, Module] = field(default_factory=dict)
    beside: frozenset[Path] = frozenset()
    connections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    turn: Turn = field(default_factory=dict)
    given: GivenValues = field(default_factory=GivenValues)
    decisions: Decisions = field(default_factory=Decisions)

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """Return node -> the node that it is in."""
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    @cached_property
    def bindings(self) -> dict[tuple[ast.AST, str], list[Binding]]:
        """Return (scope, name) -> all bindings of the name there, in the order of the file."""
        found: dict[tuple[ast.AST, str], list[Binding]] = defaultdict(list)
        for node in ast.walk(self.tree):
            for name, binding in _bindings(node):
                scope = self.scope_of(node)
                found[self._declared.get((scope, name), scope), name].append(binding)
                if binding.value is not None and binding.value not in self.parents:
                    self._put_in(node, binding.value)
        return found

    @cached_property
    def _declared(self) -> dict[tuple[ast.AST, str], ast.AST]:
        """Return (scope, name) -> the outer scope that `global` or `nonlocal` says has the name."""
        found: dict[tuple[ast.AST, str], ast.AST] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Global | ast.Nonlocal):
                scope = self.scope_of(node)
                outer = self.tree if isinstance(node, ast.Global) else self.scope_of(scope)
                found |= {(scope, name): outer for name in node.names}
        return found

    def _put_in(self, parent: ast.AST, made: ast.expr) -> None:
        """Have an expression that was made of a statement be a part of it."""
        for node in ast.walk(made):
            for child in ast.iter_child_nodes(node):
                self.parents.setdefault(child, node)
        self.parents[made] = parent

    @cached_property
    def changes(self) -> dict[tuple[ast.AST, str], list[ast.expr | ast.AugAssign]]:
        """Return (scope, name) -> what changes the object of the name, in the order of the file.

        An augmented assignment changes a list or dict, and makes another object of any other.
        """
        found: dict[tuple[ast.AST, str], list[ast.expr | ast.AugAssign]] = defaultdict(list)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.expr | ast.AugAssign) and (name := _changed_name(node)):
                found[self.owner_of(name, node), name].append(node)
        for changes in found.values():
            changes.sort(key=start_of)
        return found

    def owner_of(self, name: str, at: ast.AST) -> ast.AST:
        """Return the scope that has a name at a node."""
        scopes = (scope for scope in self.scopes_of(at) if (scope, name) in self.bindings)
        return next(scopes, self.tree)

    @cached_property
    def aliases(self) -> dict[tuple[ast.AST, str], list[tuple[ast.AST, str]]]:
        """Return (scope, name) -> the names that are assigned the same object."""
        found: dict[tuple[ast.AST, str], list[tuple[ast.AST, str]]] = defaultdict(list)
        for key, bindings in self.bindings.items():
            for each in bindings:
                if isinstance(each.value, ast.Name):
                    name = each.value.id
                    found[self.owner_of(name, each.value), name].append(key)
        return found

    def place(self, node: ast.AST) -> Place:
        """Return where a node of this file is."""
        line, column = getattr(node, "lineno", 0), getattr(node, "col_offset", -1)
        return Place(str(self.path), line, column + 1)

    def scope_of(self, node: ast.AST) -> ast.AST:
        """Return the function, class or module that a node is in.

        A decorator is in the scope around its function, and a base in the one around its class.
        """
        inner, at = node, self.parents.get(node)
        while at is not None and (not isinstance(at, _SCOPES) or _is_outside(inner, at)):
            inner, at = at, self.parents.get(at)
        return at or self.tree

    def scopes_of(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the scopes in which a name at this node is looked up, the innermost first."""
        scope = self.scope_of(node)
        yield scope
        while scope is not self.tree:
            scope = self.scope_of(scope)
            if not isinstance(scope, ast.ClassDef):
                yield scope

    def own_nodes(self, function: ast.FunctionDef, *kinds: type[_Node]) -> list[_Node]:
        """Return the nodes of these kinds in a function, in order, without those of inner ones."""
        found = [each for each in ast.walk(function) if isinstance(each, kinds)]
        return sorted((n for n in found if self.scope_of(n) is function), key=start_of)

    def is_only_named(self, function: ast.FunctionDef) -> bool:
        """Return whether a function is used by its name alone: no decorator or class has it."""
        is_method = isinstance(self.scope_of(function), ast.ClassDef)
        return not function.decorator_list and not is_method

    def loop_around(self, node: ast.AST) -> ast.AST | None:
        """Return the innermost loop or comprehension that repeats a node."""
        return next(self.loops_around(node), None)

    def loops_around(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the loops and comprehensions that repeat a node, the innermost first."""
        for loop in self._around(node, _LOOPS):
            if not any(self.is_in(node, part) for part in _parts_done_once(loop)):
                yield loop

    def branches_around(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the conditions that a node depends on, the innermost first."""
        return self._around(node, _BRANCHES)

    def is_after(self, node: ast.AST, at: ast.AST | None) -> bool:
        """Return whether a node is later than another one, which nothing repeats or defers."""
        if at is None or self.scope_of(node) is not self.scope_of(at) or self.loop_around(at):
            return False
        return start_of(node) > start_of(at)

    def _around(self, node: ast.AST, kinds: tuple[type[ast.AST], ...]) -> Iterator[ast.AST]:
        at = self.parents.get(node)
        while at is not None and not isinstance(at, _SCOPES):
            if isinstance(at, kinds):
                yield at
            at = self.parents.get(at)

    def is_in(self, node: ast.AST, outer: ast.AST) -> bool:
        """Return whether a node is another one, or a part of it."""
        at: ast.AST | None = node
        while at is not None and at is not outer:
            at = self.parents.get(at)
        return at is outer

    @contextmanager
    def in_turn(self, turn: Turn) -> Iterator[None]:
        """Let names have the values of one turn or call, while the block lasts."""
        before, self.turn = self.turn, turn
        try:
            yield
        finally:
            self.turn = before

    def bound_in_turn(
        self,
        name: str,
        found: Sequence[Binding],
        at: ast.AST,
        is_sure: Callable[[ast.AST], bool],
    ) -> tuple[ast.AST, Binding] | None:
        """Return the loop or function that gives a name its value at a node, and how it does.

        None if none around the node does, or if it can't be told which of several bindings.
        `is_sure` tells whether no condition keeps the file from a binding.
        """
        if not self.turn:
            return None
        changes = self.changes.get((self.scope_of(found[0].node), name), [])
        is_changed = any(isinstance(each, ast.expr) for each in changes)
        for loop in self.loops_around(at):
            inside = [each for each in found if self.is_in(each.node, loop)]
            if inside and loop in self.turn and not is_changed:
                [first, *others] = inside
                is_target = first.value is None and name in self.turn[loop].values
                is_bound = is_target or (
                    is_sure(first.node) and self._is_in_each_turn(first, loop, at)
                )
                return (loop, first) if is_bound and not others else None
            if inside:
                return None
        scope = self.scope_of(found[0].node)
        [first, *others] = self.in_force(found, scope, at, is_sure)
        is_parameter = isinstance(first.node, ast.arg) and not others
        if is_parameter and scope in self.turn and not is_changed:
            return scope, first
        return None

    def _is_in_each_turn(self, binding: Binding, loop: ast.AST, at: ast.AST) -> bool:
        """Return whether each turn of a loop assigns a name before it comes to a node."""
        return (
            binding.value is not None
            and self.loop_around(binding.node) is loop
            and end_of(binding.node) <= start_of(at)
        )

    def where_all_is_installed(self, found: Sequence[Binding]) -> Sequence[Binding]:
        """Return the bindings without those of `except ImportError:`, if others import the name."""
        kept = [each for each in found if not self._is_substitute(each.node)]
        return kept if kept and all(each.imported for each in kept) else found

    def _is_substitute(self, node: ast.AST) -> bool:
        at: ast.AST | None = node
        while at is not None and not isinstance(at, ast.ExceptHandler):
            at = self.parents.get(at)
        caught = ast.unparse(at.type) if at is not None and at.type is not None else ""
        return caught in ("ImportError", "ModuleNotFoundError")

    def in_force(
        self,
        found: Sequence[Binding],
        scope: ast.AST,
        at: ast.AST | None,
        is_sure: Callable[[ast.AST], bool],
    ) -> Sequence[Binding]:
        """Return the bindings of a name in a scope that may hold at a node, or at its end.

        That is the last one before the node, if nothing repeats or defers the node and `is_sure`
        says that no condition keeps the file from the assignment.
        """
        if len(found) == 1 or (at is not None and self._is_unsure(found, scope, at)):
            return found
        if any(self.is_set_elsewhere(each, scope) for each in found):
            return found
        here = (1_000_000, 0) if at is None else start_of(self.part_of(scope, at))
        earlier = sorted(
            (each for each in found if end_of(each.node) <= here),
            key=lambda each: end_of(each.node),
        )
        last = earlier[-1].node
        return earlier[-1:] if is_sure(last) and not self.loop_around(last) else found

    def is_set_elsewhere(self, binding: Binding, scope: ast.AST) -> bool:
        """Return whether a function sets a name of a scope around it, whenever it is called."""
        return self.scope_of(binding.node) is not scope

    def _is_unsure(self, found: Sequence[Binding], scope: ast.AST, at: ast.AST) -> bool:
        """Return whether a node may run before, within, or more than once after the bindings."""
        at = self.part_of(scope, at)
        here = start_of(at)
        later = [each for each in found if end_of(each.node) > here]
        is_within = any(start_of(each.node) <= here and not _is_assignment(each) for each in later)
        repeats = isinstance(at, _SCOPES) or self.loop_around(at) is not None
        return len(later) == len(found) or is_within or (bool(later) and repeats)

    def part_of(self, scope: ast.AST, at: ast.AST) -> ast.AST:
        """Return the part of a scope that a node is in: itself, or the function around it."""
        while self.scope_of(at) is not scope:
            at = self.scope_of(at)
        return at

    def file_of(self, name: str, level: int) -> Path | None:
        """Return the user's own file that holds a module, None for a library."""
        packages = [self.path.parent, *self.path.parent.parents]
        roots = packages[level - 1 : level] if level else [self.path.parent, *self.roots]
        parts = [part for part in name.split(".") if part]
        for root in roots:
            stem = root.joinpath(*parts)
            candidates = (
                [stem / "__init__.py"]
                if not parts
                else [stem.with_suffix(".py"), stem / "__init__.py"]
            )
            for file in candidates:
                if file.is_file():
                    return file
        return None

    def open(self, file: Path) -> Module:
        """Return another file of the user; each is parsed once.

        Raises:
            InvalidProductError: It can't be read or parsed.
        """
        found = self.loaded.get(file)
        if found is None:
            found = read_module(file, self.roots, self.loaded, self.given)
        return found


def read_module(
    path: Path,
    roots: tuple[Path, ...] = (),
    loaded: dict[Path, Module] | None = None,
    given: GivenValues | None = None,
) -> Module:
    """Return a parsed file.

    Raises:
        InvalidProductError: It can't be read or parsed.
    """
    loaded = {} if loaded is None else loaded
    try:
        text = path.read_text(encoding="utf-8-sig")
        tree = ast.parse(text, filename=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidProductError([Problem(f"can't be read: {error}", file=str(path))]) from None
    except (SyntaxError, ValueError, RecursionError) as error:
        line, column = getattr(error, "lineno", 0) or 0, getattr(error, "offset", 0) or 0
        what = f"is not valid Python: {getattr(error, 'msg', error)}"
        raise InvalidProductError(
            [Problem(what, "correct the file", str(path), line, column)]
        ) from None
    loaded[path] = Module(path, text, tree, roots, loaded, given=given or GivenValues())
    return loaded[path]


def _bindings(node: ast.AST) -> Iterator[tuple[str, Binding]]:
    """Yield the names that a node binds in its scope."""
    match node:
        case ast.Import():
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                yield name, Binding(node, imported=alias.name if alias.asname else name)
        case ast.ImportFrom():
            for alias in node.names:
                full = f"{node.module}.{alias.name}" if node.module else alias.name
                yield alias.asname or alias.name, Binding(node, None, full, node.level)
        case ast.Assign():
            for target in node.targets:
                yield from _targets(node, target, node.value)
        case ast.AnnAssign(value=ast.expr()) | ast.NamedExpr():
            yield from _targets(node, node.target, node.value)
        case ast.AugAssign(target=ast.Name(id=name)):
            before = ast.copy_location(ast.Name(name, ast.Load()), node.target)
            worth = ast.copy_location(ast.BinOp(before, node.op, node.value), node)
            yield name, Binding(node, worth)
        case ast.Delete(targets=[ast.Name(id=name)]):
            yield name, Binding(node)
        case ast.For() | ast.AsyncFor() | ast.comprehension():
            yield from _targets(node, node.target, None)
        case ast.withitem(optional_vars=ast.expr() as target):
            yield from _targets(node, target, node.context_expr)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name, Binding(node)
        case ast.arg():
            yield node.arg, Binding(node)
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            yield name, Binding(node)


def _targets(
    node: ast.AST, target: ast.expr, value: ast.expr | None
) -> Iterator[tuple[str, Binding]]:
    if isinstance(target, ast.Name):
        yield target.id, Binding(node, value)
    elif isinstance(target, ast.Tuple | ast.List):
        is_sure = not any(isinstance(each, ast.Starred) for each in target.elts)
        for index, each in enumerate(target.elts):
            part = _part(value, index) if value is not None and is_sure else None
            yield from _targets(node, each, part)


def _part(value: ast.expr, index: int) -> ast.expr:
    """Return the expression for one of the values that are unpacked."""
    number = ast.copy_location(ast.Constant(index), value)
    return ast.copy_location(ast.Subscript(value, number, ast.Load()), value)


def start_of(node: ast.AST) -> tuple[int, int]:
    """Return line and column where a node begins."""
    node = node.context_expr if isinstance(node, ast.withitem) else node
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def end_of(node: ast.AST) -> tuple[int, int]:
    """Return where a node ends; after all others for one that has no place of its own."""
    node = node.optional_vars or node if isinstance(node, ast.withitem) else node
    line, column = getattr(node, "end_lineno", None), getattr(node, "end_col_offset", None)
    return line or 1_000_000, column or 0


def last_name(node: ast.expr) -> str:
    """Return the name of a name or attribute, "" for anything else."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _is_assignment(binding: Binding) -> bool:
    """Return whether a name is bound at the end of a statement, not before its body."""
    return isinstance(binding.node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr)


def _parts_done_once(loop: ast.AST) -> list[ast.AST]:
    """Return the parts of a loop that its turns do not repeat: what it goes over, and `else`."""
    first = getattr(loop, "generators", [loop])[0]
    return [*filter(None, [getattr(first, "iter", None)]), *getattr(loop, "orelse", [])]


def _is_outside(inner: ast.AST, scope: ast.AST) -> bool:
    """Return whether a part of a function or class is evaluated before it, in the scope around."""
    parts = (*getattr(scope, "decorator_list", ()), *getattr(scope, "bases", ()))
    return any(inner is each for each in parts)


def _changed_name(node: ast.AST) -> str:
    """Return the name whose object a node changes, "" for none."""
    changed: ast.AST | None = None
    match node:
        case (
            ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del())
        ):
            changed = node.value
        case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in MUTATORS:
            changed = value
        case ast.AugAssign(target=ast.Name()):
            changed = node.target
    while isinstance(changed, ast.Attribute | ast.Subscript):
        changed = changed.value
    return changed.id if isinstance(changed, ast.Name) else ""
