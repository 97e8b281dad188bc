"""Replace pieces of a source text by the positions of its syntax tree."""

from __future__ import annotations

import ast
import io
from collections.abc import Mapping, Sequence

from floe_core.foundation.errors import InvalidProductError, Problem

Span = tuple[int, int]


class SourceText:
    """A text whose lines and columns are those of `ast`: lines from 1, columns in UTF-8 bytes."""

    def __init__(self, text: str) -> None:
        self.data = text.encode()
        self._starts = [0]
        for line in self.data.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def span(self, node: ast.stmt | ast.expr) -> Span:
        """Return where a node begins and ends."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self._starts[node.lineno - 1] + node.col_offset
        return start, self._starts[node.end_lineno - 1] + node.end_col_offset

    def whole_span(self, node: ast.AST) -> Span:
        """Return where a node begins and ends, from the first of its decorators."""
        assert isinstance(node, ast.stmt | ast.expr)
        start, end = self.span(node)
        decorators = getattr(node, "decorator_list", [])
        return (self.span(decorators[0])[0] - 1 if decorators else start), end

    def lines_span(self, node: ast.stmt) -> Span:
        """Return the whole lines of a statement, with the decorators' lines if it has some."""
        assert node.end_lineno is not None
        return self._starts[node.lineno - 1], self._starts[node.end_lineno]

    def text_of(self, node: ast.stmt | ast.expr) -> str:
        """Return the source of a node."""
        start, end = self.span(node)
        return self.data[start:end].decode()

    def indent_of(self, node: ast.AST) -> str:
        """Return the white space that the line of a node begins with."""
        assert isinstance(node, ast.stmt | ast.expr)
        line = self.data[self._starts[node.lineno - 1] : self._starts[node.lineno]].decode()
        return line[: len(line) - len(line.lstrip())]

    def is_alone(self, node: ast.stmt) -> bool:
        """Return whether a statement shares its lines with nothing else."""
        start, end = self.lines_span(node)
        inner_start, inner_end = self.span(node)
        after = self.data[inner_end:end].strip()
        return not self.data[start:inner_start].strip() and (not after or after.startswith(b"#"))

    def replaced(self, changes: Mapping[Span, str]) -> str:
        """Return the text with each span replaced; spans don't overlap."""
        pieces: list[bytes] = []
        at = 0
        for (start, end), text in sorted(changes.items()):
            pieces += [self.data[at:start], text.encode()]
            at = end
        return b"".join([*pieces, self.data[at:]]).decode()


def parsed(text: str) -> ast.Module:
    """Return the tree of a source that was written.

    Raises:
        InvalidProductError: It is not valid Python.
    """
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError) as error:
        what = f"what replaces it would not be valid Python: {getattr(error, 'msg', error)}"
        raise InvalidProductError([Problem(what)]) from None


def add_imports(text: str, lines: Sequence[str]) -> str:
    """Return a source with imports after its last import at the top, or after its docstring.

    It is left as it is where it has them already.
    """
    tree = parsed(text)
    has = {ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)}
    at = 0
    for index, node in enumerate(tree.body):
        is_docstring = (
            index == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        )
        if is_docstring or isinstance(node, ast.Import | ast.ImportFrom):
            at = node.end_lineno or 0
        else:
            break
    whole = io.StringIO(text, newline="").readlines()
    if at and not whole[at - 1].endswith("\n"):
        whole[at - 1] += "\n"
    return "".join([*whole[:at], *(f"{line}\n" for line in lines if line not in has), *whole[at:]])
