"""Find out whether the statements of a hook depend on, or change, more than the node's own rows."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from floe_core.compiler.code.hook_texts import THIS, TOLD, UNKNOWN
from floe_core.sql.parsed import is_cte

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
