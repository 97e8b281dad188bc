"""The DAG file that remains when floe replaces its groups."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from floe_import.drafts.group_draft import GroupDraft
from floe_import.python.arguments import Argument
from floe_import.python.evaluate import evaluate
from floe_import.python.modules import Module
from floe_import.python.values import Value
from floe_import.rewriting.dead_code import without_unused
from floe_import.rewriting.edits import SourceText, Span, add_imports, parsed
from floe_import.rewriting.written_calls import CallWriter

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
