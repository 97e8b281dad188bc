"""Find what can be changed in a Python file so that a good test fails."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

COMPARISONS = {
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
OPPOSITES = {ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn}
ARITHMETIC = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
}


@dataclass(frozen=True)
class Mutation:
    """A change of a file: `source` is the line in which it begins, `mutant` that line after it.

    `first` and `last` are the lines of the statement, without the statements in it, and `function`
    tells whether it is in one: other statements run when the module is imported.
    """

    operator: str
    line: int
    source: str
    mutant: str
    first: int
    last: int
    in_function: bool
    text: str


def mutations(text: str) -> Iterator[Mutation]:
    """Yield the mutations of a file's text, in its order; `Mutation.text` is the whole file's."""
    finder = _Finder(text)
    finder.visit(ast.parse(text))
    yield from sorted(finder.found, key=lambda each: (each.line, each.operator, each.mutant))


def function_lines(text: str) -> set[int]:
    """Return the lines that run when a function is called."""
    lines: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines.update(range(node.body[0].lineno, (node.end_lineno or 0) + 1))
    return lines


class _Finder(ast.NodeVisitor):
    def __init__(self, text: str) -> None:
        self.whole = text.encode()
        self.lines = self.whole.splitlines(keepends=True)
        self.offsets = [0, *accumulate(map(len, self.lines))]
        self.found: list[Mutation] = []
        self.statement: ast.stmt = ast.Pass(lineno=1, end_lineno=1)
        self.in_function = False

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.stmt):
            self.statement = node
        super().visit(node)

    def visit_If(self, node: ast.If) -> None:
        if "TYPE_CHECKING" not in ast.unparse(node.test):
            self._negate(node.test)
            self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._negate(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._negate(test)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for each in (
            *node.decorator_list,
            *node.args.defaults,
            *filter(None, node.args.kw_defaults),
        ):
            self.visit(each)
        outer, self.in_function = self.in_function, True
        for statement in node.body:
            self.visit(statement)
        self.in_function = outer

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Leave decorators alone: no test should tell whether a dataclass has slots."""
        for each in (*node.bases, *node.keywords, *node.body):
            self.visit(each)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self.visit(node.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call | ast.Await):
            self._replace("drop call", node, "pass")
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value and not (isinstance(node.value, ast.Constant) and node.value.value is None):
            self._replace("return None", node.value, "None")
        self.generic_visit(node)

    def visit_Break(self, node: ast.Break) -> None:
        self._replace("break to continue", node, "continue")

    def visit_Continue(self, node: ast.Continue) -> None:
        self._replace("continue to break", node, "break")

    def visit_For(self, node: ast.For) -> None:
        self._replace("loop over nothing", node.iter, "()")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._replace("swap boolean", node, str(not node.value))
        elif isinstance(node.value, int | float):
            self._replace("number + 1", node, repr(node.value + 1))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            self._replace("remove not", node, f"bool({self._source(node.operand)})")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        word, other = ("or", "and") if isinstance(node.op, ast.Or) else ("and", "or")
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._swap("swap and, or", left, right, (word, other))
        if word == "or":
            self._replace("drop default of or", node, f"({self._source(node.values[0])})")
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        for left, operator, right in zip(
            (node.left, *node.comparators), node.ops, node.comparators, strict=False
        ):
            self._swap("swap comparison", left, right, COMPARISONS[type(operator)])
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        is_text = _is_text(node.left) or _is_text(node.right)
        if type(node.op) in ARITHMETIC and not is_text:
            self._swap("swap arithmetic", node.left, node.right, ARITHMETIC[type(node.op)])
        self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Leave them alone: before Python 3.12 their parts have no positions."""

    def _negate(self, test: ast.expr) -> None:
        """Negate a condition that no other operator would."""
        is_negated = isinstance(test, ast.UnaryOp) or (
            isinstance(test, ast.Compare) and len(test.ops) == 1 and type(test.ops[0]) in OPPOSITES
        )
        if not is_negated:
            self._replace("negate condition", test, f"(not ({self._source(test)}))")

    def _swap(self, operator: str, left: ast.expr, right: ast.expr, words: tuple[str, str]) -> None:
        """Replace the operator between two expressions, beside which are only parentheses."""
        start, end = _end(left), _start(right)
        between = self._between(start, end)
        if between.count(words[0]) == 1 and "#" not in between:
            self._change(operator, start, end, between.replace(*words))

    def _replace(self, operator: str, node: ast.expr | ast.stmt, new: str) -> None:
        self._change(operator, _start(node), _end(node), new)

    def _source(self, node: ast.expr) -> str:
        return self._between(_start(node), _end(node))

    def _between(self, start: tuple[int, int], end: tuple[int, int]) -> str:
        return self.whole[self._offset(start) : self._offset(end)].decode()

    def _offset(self, place: tuple[int, int]) -> int:
        return self.offsets[place[0] - 1] + place[1]

    def _change(
        self, operator: str, start: tuple[int, int], end: tuple[int, int], new: str
    ) -> None:
        before, after = self.whole[: self._offset(start)], self.whole[self._offset(end) :]
        changed = before + new.encode() + after
        last = self.statement.end_lineno or 0
        if body := getattr(self.statement, "body", None):
            last = max(self.statement.lineno, body[0].lineno - 1)
        self.found.append(
            Mutation(
                operator,
                start[0],
                self.lines[start[0] - 1].decode().strip().replace("\t", " "),
                changed.splitlines()[start[0] - 1].decode().strip().replace("\t", " "),
                self.statement.lineno,
                last,
                self.in_function,
                changed.decode(),
            )
        )


def _is_text(node: ast.expr) -> bool:
    is_constant = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return is_constant or isinstance(node, ast.JoinedStr | ast.List | ast.Tuple)


def _start(node: ast.expr | ast.stmt) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _end(node: ast.expr | ast.stmt) -> tuple[int, int]:
    return node.end_lineno or 0, node.end_col_offset or 0
