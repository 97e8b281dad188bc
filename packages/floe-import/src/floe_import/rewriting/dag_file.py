"""The DAG file that remains when floe replaces its groups, without what only these needed."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from floe_import.drafts import GroupDraft
from floe_import.python.arguments import Argument
from floe_import.python.evaluate import evaluate
from floe_import.python.modules import Module
from floe_import.python.values import Value
from floe_import.rewriting.edits import SourceText, Span, add_imports, parsed
from floe_import.rewriting.written_calls import CallWriter

IsOld = Callable[[ast.expr], bool]


def without_unused(module: Module, is_old: IsOld) -> str | None:
    """Return the text of a module without statements that nothing needs, None if all are needed.

    A statement goes if it imports or assigns names that nothing reads, and `is_old` holds for the
    value or the imported name; so does a function that nothing calls and that returns such a value.
    """
    source = SourceText(module.text)
    reads = Counter(
        node.id
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store)
    )
    changes: dict[Span, str] = {}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            changes |= _without_aliases(node, module, source, reads, is_old)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and _is_unused(node, reads, is_old):
            changes |= _without(node, module, source)
        elif isinstance(node, ast.FunctionDef) and module.is_only_named(node):
            returned = (each.value for each in module.own_nodes(node, ast.Return))
            if not reads[node.name] and any(is_old(each) for each in returned if each):
                changes |= _without(node, module, source)
    return source.replaced(changes) if changes else None


def _is_unused(node: ast.Assign | ast.AnnAssign, reads: Counter[str], is_old: IsOld) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    names = [each.id for each in targets if isinstance(each, ast.Name)]
    if len(names) != len(targets) or any(reads[name] for name in names) or "__all__" in names:
        return False
    return node.value is not None and is_old(node.value)


def _without_aliases(
    node: ast.Import | ast.ImportFrom,
    module: Module,
    source: SourceText,
    reads: Counter[str],
    is_old: IsOld,
) -> dict[Span, str]:
    def is_needed(alias: ast.alias) -> bool:
        name = alias.asname or alias.name.partition(".")[0]
        here = ast.copy_location(ast.Name(name, ast.Load()), node)
        module.parents[here] = node
        return bool(reads[name]) or alias.name == "*" or not is_old(here)

    kept = [alias for alias in node.names if is_needed(alias)]
    if len(kept) == len(node.names):
        return {}
    if not kept:
        return _without(node, module, source)
    changed = ast.unparse(
        ast.Import(kept)
        if isinstance(node, ast.Import)
        else ast.ImportFrom(node.module, kept, node.level)
    )
    return {source.span(node): changed}


def _without(node: ast.stmt, module: Module, source: SourceText) -> dict[Span, str]:
    parent = module.parents.get(node)
    siblings = next(
        (
            found
            for name in ("body", "orelse", "finalbody")
            if isinstance(found := getattr(parent, name, None), list) and node in found
        ),
        [],
    )
    if len(siblings) == 1:
        return {source.span(node): "pass"}
    return {source.lines_span(node): ""} if source.is_alone(node) else {source.span(node): "pass"}


IsOldValue = Callable[[Value], bool]


def rewritten(
    module: Module,
    replaced: Mapping[ast.AST, Sequence[tuple[GroupDraft, str]]],
    is_old: IsOldValue,
) -> tuple[str, list[Argument]]:
    """Return the text of a DAG file with calls replaced, and the arguments that it can't pass on.

    `replaced` is call -> its draft and the name of the product; in a loop, those of each turn.
    Names whose values are old, and that nothing reads any longer, go.

    Raises:
        InvalidProductError: The text would not be valid Python.
    """
    source = SourceText(module.text)
    imports: set[str] = set()
    unwritten: list[Argument] = []
    changes: dict[Span, str] = {}
    for call, made in replaced.items():
        writer = CallWriter(module, call, imports, unwritten)
        changes[source.whole_span(call)] = writer.call(made, source.indent_of(call))
    text = add_imports(source.replaced(changes), sorted(imports))
    return without_dead_code(module, text, is_old), unwritten


def without_dead_code(module: Module, text: str, is_old: IsOldValue) -> str:
    """Return a text in the place of a module's without what nothing needs any longer."""
    while True:
        given = replace(module.given, used={})
        now = Module(module.path, text, parsed(text), module.roots, {**module.loaded}, given=given)
        shorter = without_unused(now, lambda node, now=now: is_old(evaluate(node, now)))  # type: ignore[misc]
        if shorter is None:
            return text
        text = shorter
