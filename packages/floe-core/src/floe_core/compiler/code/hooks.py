"""Read the SQL of a node's hooks without dbt, and find out what it depends on or changes.

Every branch of a condition and the body of every loop is part of the text. Macros of the project
are followed with the values that the hook passes to them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import sqlglot
from jinja2 import Environment, TemplateError, nodes
from sqlglot import exp
from sqlglot.errors import SqlglotError

from floe_core.sql.parsed import is_cte

# The node's own relation in the SQL, whatever only a run knows, and what its properties say.
THIS, UNKNOWN, TOLD = "floe_this", "floe_unknown", "floe_unknown_property"
# What a parse or a run says of a node; its other properties are part of what decides its reuse.
NEVER_TOLD = frozenset(
    {
        *("created_at", "checksum", "compiled", "compiled_code", "compiled_path", "build_path"),
        *("extra_ctes", "extra_ctes_injected", "raw_code"),
    }
)
_DEEPEST = 20
# Calls that write nothing into the SQL.
_SILENT = frozenset({"log", "print", "config"})
_ENVIRONMENT = Environment(
    extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"], autoescape=False
)
Values = Mapping[str, str]
_KNOWN: Values = {"this": THIS, "model": TOLD}


class HookTexts:
    """Renders the hooks of one manifest's nodes (dbt manifest v12, `macros.*`).

    `relations` has the names in the warehouse of what `ref` and `source` name, by `ref NAME` and
    `source NAME`, of those names that stand for one relation.
    """

    def __init__(
        self, macros: Mapping[str, Mapping[str, Any]], relations: Mapping[str, str]
    ) -> None:
        self._relations = relations
        self._texts: dict[str, set[str]] = {}
        for each in macros.values():
            self._texts.setdefault(str(each.get("name")), set()).add(str(each.get("macro_sql")))
        self._macros: dict[str, nodes.Macro | None] = {}
        # Many nodes share a hook of their project, and each is asked about several times.
        self._rendered: dict[str, str] = {}

    def render(self, hook: str) -> str:
        """Return the SQL of a hook, `floe_unknown` if its Jinja can't be read.

        >>> sql = "{% macro empty(x) %}delete from {{ x }}{% endmacro %}"
        >>> macros = {"macro.shop.empty": {"name": "empty", "macro_sql": sql}}
        >>> texts = HookTexts(macros, {"ref a": "b"})
        >>> texts.render("{{ empty(ref('a')) }} where {{ var('x') }}")
        'delete from b where floe_unknown'
        """
        if hook not in self._rendered:
            self._rendered[hook] = self._render(hook)
        return self._rendered[hook]

    def _render(self, hook: str) -> str:
        try:
            return self._body(_ENVIRONMENT.parse(hook).body, _KNOWN, 0)
        except (TemplateError, RecursionError):
            return UNKNOWN

    def _body(self, body: list[nodes.Node], values: Values, depth: int) -> str:
        known = dict(values)
        return "".join(self._statement(each, known, depth) for each in body)

    def _statement(self, node: nodes.Node, values: dict[str, str], depth: int) -> str:
        if isinstance(node, nodes.Output):
            return "".join(self._value(each, values, depth) for each in node.nodes)
        if isinstance(node, nodes.Assign) and isinstance(node.target, nodes.Name):
            values[node.target.name] = self._value(node.node, values, depth)
            return ""
        if isinstance(node, nodes.If):
            branches = (node.body, *(each.body for each in node.elif_), node.else_)
            text = " ".join(self._body(each, values, depth) for each in branches)
            # What a branch sets has its value after the branch, too.
            values |= dict.fromkeys(_names_set(node), UNKNOWN)
            return text
        if isinstance(node, nodes.For):
            unknown = dict.fromkeys(_names_set(node), UNKNOWN)
            return self._body(node.body, {**values, **unknown}, depth)
        if isinstance(node, nodes.ExprStmt):
            return self._value(node.node, values, depth)
        return UNKNOWN

    def _value(self, node: nodes.Node, values: Values, depth: int) -> str:
        if isinstance(node, nodes.TemplateData):
            return node.data
        if isinstance(node, nodes.Const):
            return str(node.value)
        if isinstance(node, nodes.Name):
            return values.get(node.name, UNKNOWN)
        if isinstance(node, nodes.Getattr | nodes.Getitem):
            return self._part(node, values, depth)
        if isinstance(node, nodes.Concat):
            return "".join(self._value(each, values, depth) for each in node.nodes)
        if isinstance(node, nodes.Call):
            return self._call(node, values, depth)
        return UNKNOWN

    def _part(self, node: nodes.Getattr | nodes.Getitem, values: Values, depth: int) -> str:
        """Return what a part of the relation or of the node is; it has no marker of its own."""
        whole = self._value(node.node, values, depth)
        name = node.attr if isinstance(node, nodes.Getattr) else getattr(node.arg, "value", None)
        is_told = whole == TOLD and name is not None and name not in NEVER_TOLD
        return whole if whole == THIS or is_told else UNKNOWN

    def _call(self, call: nodes.Call, values: Values, depth: int) -> str:
        # A macro may be qualified by its package.
        name = getattr(call.node, "attr", getattr(call.node, "name", ""))
        if name in _SILENT:
            return ""
        if name == "return" and call.args:
            return self._value(call.args[0], values, depth)
        if call.dyn_args or call.dyn_kwargs:
            return UNKNOWN
        # A project may have macros of these names, in place of dbt's functions.
        if name not in self._texts and call.args and not call.kwargs:
            named = self._value(call.args[-1], values, depth)
            return self._relations.get(f"{name} {named}", UNKNOWN)
        macro = self._macro(name)
        if macro is None or depth == _DEEPEST:
            return UNKNOWN
        parameters = [each.name for each in macro.args]
        passed = [self._value(each, values, depth) for each in call.args]
        by_key = {each.key: self._value(each.value, values, depth) for each in call.kwargs}
        bound = {**_KNOWN, **dict.fromkeys(parameters, UNKNOWN)}
        bound |= dict(zip(parameters, passed, strict=False)) | by_key
        return self._body(macro.body, bound, depth + 1)

    def _macro(self, name: str) -> nodes.Macro | None:
        """Return the macro of this name, None if there is none or more than one."""
        if name not in self._macros:
            texts = self._texts.get(name, ())
            text = next(iter(texts)) if len(texts) == 1 else ""
            self._macros[name] = _ENVIRONMENT.parse(text).find(nodes.Macro)
        return self._macros[name]


def _names_set(node: nodes.Node) -> set[str]:
    return {each.name for each in node.find_all(nodes.Name) if each.ctx == "store"}


_CHANGING = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.TruncateTable)
_OWN = (*_CHANGING, exp.Select)
_IDLE = (exp.Comment, exp.Grant, exp.Revoke, exp.Alter, exp.Analyze, exp.Set, exp.Pragma)
# Statements that sqlglot knows by their first words only; none of them changes rows.
_IDLE_COMMAND = re.compile(
    rf"(?:alter|analyze|cluster|comment|grant|optimize|refresh|reindex|revoke|vacuum)\b"
    rf"(?:(?!\b(?:from|join|into|using|select)\b).)*\b{THIS}\b(?!.*\b{UNKNOWN}).*",
    re.DOTALL | re.IGNORECASE,
)
# These are syntax; anyone may have created a function of any other name.
_SYNTAX = (exp.And, exp.Or, exp.Xor, exp.Case, exp.If, exp.Cast, exp.Coalesce, exp.Nullif)


def find_foreign(sql: str, dialect: str) -> str:
    """Return what a hook's SQL names beside its node's relation, "" for nothing.

    `sql` is what `HookTexts.render` returns.

    >>> find_foreign("delete from floe_this where a = 1; analyze floe_this", "duckdb")
    ''
    >>> find_foreign("insert into floe_this select * from raw.orders", "duckdb")
    'raw.orders'
    """
    statements = _parse(sql, dialect)
    if statements is None:
        return "SQL that floe cannot read"
    return next((found for each in statements for found in _of_statement(each)), "")


def find_written(sql: str, dialect: str) -> set[str]:
    """Return the tables that a hook's SQL may write beside its node's own, in lower case.

    Names are without schema; "" stands for tables that can't be named.

    >>> sorted(find_written("insert into a.Log select 1; call f(); analyze floe_this", "duckdb"))
    ['', 'log']
    """
    statements = _parse(sql, dialect)
    return {""} if statements is None else {found for e in statements for found in _writes(e)}


def may_change_rows(sql: str, dialect: str) -> bool:
    """Return whether a hook's SQL is more than statements that change no rows, such as grants."""
    statements = _parse(sql, dialect)
    return statements is None or not all(map(_is_idle, statements))


@lru_cache(maxsize=1024)
def _parse(sql: str, dialect: str) -> tuple[exp.Expr, ...] | None:
    """Return the statements of a hook, None if they can't be read.

    Many nodes share a hook of their project, and each is asked about twice.
    """
    logger = logging.getLogger("sqlglot")
    before, logger.disabled = logger.disabled, True
    try:
        return tuple(each for each in sqlglot.parse(sql, dialect=dialect) if each)
    except (SqlglotError, RecursionError):
        return None
    finally:
        logger.disabled = before


def _writes(statement: exp.Expr) -> Iterator[str]:
    if isinstance(statement, _IDLE) or not any(_of_statement(statement)):
        return
    if isinstance(statement, exp.Create) and statement.args.get("exists"):
        return  # It leaves a table that is there.
    if isinstance(statement, exp.Query) and not statement.find(*_CHANGING):
        if statement.find(exp.Anonymous):
            yield ""
        return
    # Statements in the CTEs of another one change tables, too.
    changing: list[exp.Expr] = [*statement.find_all(*_CHANGING)]
    for each in changing or [statement]:
        written = each.find(exp.Table)
        if written is None or UNKNOWN in written.name:
            yield ""
        elif not _is_own(written):
            yield written.name.lower()


def _of_statement(statement: exp.Expr) -> Iterator[str]:
    is_idle = _is_idle(statement)
    if isinstance(statement, exp.Command):
        if not is_idle:
            yield f"a statement {str(statement.this).upper()}"
        return
    if not is_idle and not isinstance(statement, _OWN):
        yield f"a statement {statement.key.upper()}"
    # Whom a grant is for, and what a comment says, change no rows.
    names = () if isinstance(statement, exp.Grant | exp.Revoke) else (exp.Identifier,)
    unknown = names if is_idle else (*names, exp.Literal)
    for node in statement.walk():
        if isinstance(node, exp.Table):
            if not (is_cte(node) or _is_own(node)):
                is_known = not any(UNKNOWN in part.name for part in node.parts)
                yield node.sql(comments=False) if is_known else "another relation"
        elif isinstance(node, exp.Func) and not isinstance(node, _SYNTAX):
            yield f"{node.name if isinstance(node, exp.Anonymous) else node.sql_name()}()".lower()
        elif isinstance(node, unknown) and UNKNOWN in _text_of(node):
            yield "a value that only the run knows"


def _text_of(node: exp.Expr) -> str:
    """Return a name or a value; a property of the node in a value is known."""
    return node.name.replace(TOLD, "") if isinstance(node, exp.Literal) else node.name


def _is_idle(statement: exp.Expr) -> bool:
    if isinstance(statement, exp.Command):
        return bool(_IDLE_COMMAND.fullmatch(f"{statement.this} {statement.expression}"))
    is_index = isinstance(statement, exp.Create) and statement.kind == "INDEX"
    return is_index or isinstance(statement, _IDLE)


def _is_own(table: exp.Table) -> bool:
    return {part.name for part in table.parts} == {THIS}
