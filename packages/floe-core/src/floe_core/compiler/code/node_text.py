"""Read the text of a node without dbt: its tokens, and its SQL if its Jinja needs no macro.

Columns are determined at compile time, before dbt has compiled any SQL. SQL that can't be rendered
here is reported as unknown; nothing is guessed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

import sqlglot
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from sqlglot import Token, TokenType
from sqlglot.errors import SqlglotError

# Adapters of warehouses with names in which case counts, also of a name that is a keyword: `Date`.
_WITH_EXACT_NAMES = frozenset({"bigquery", "clickhouse"})
# Tokens that are case-sensitive everywhere.
_AS_WRITTEN = frozenset({TokenType.STRING, TokenType.IDENTIFIER, TokenType.VAR})
_BRACES = frozenset({"{", "{{-", "{{+", "}", "-}}", "+}}"})


def token_text(code: str, adapter: str) -> str:
    """Return the tokens of SQL with Jinja, one per line; the text itself if it can't be tokenized.

    `config(...)` is left out, since the resulting configuration is known.

    >>> one = token_text("{{ config(tags=['a']) }} SELECT 1 as id -- one", "duckdb")
    >>> one == token_text("select  1 AS id", "duckdb")
    True
    >>> token_text("select Date", "clickhouse") == token_text("select date", "clickhouse")
    False
    """
    is_exact = adapter in _WITH_EXACT_NAMES
    try:
        tokens = sqlglot.tokenize(code, dialect=adapter)
    except (SqlglotError, ValueError):
        return code
    return "\n".join(
        f"{each.token_type.name} {_text(each, is_exact)}" for each in _without_config(tokens)
    )


def _text(token: Token, is_exact: bool) -> str:
    is_kept = is_exact or token.token_type in _AS_WRITTEN
    return token.text if is_kept else token.text.upper()


def _without_config(tokens: Sequence[Token]) -> Iterator[Token]:
    at = 0
    while at < len(tokens):
        name = _after_braces(tokens, at)
        if at < name and [t.text.lower() for t in tokens[name : name + 2]] == ["config", "("]:
            at = _after_braces(tokens, _after_call(tokens, name + 1))
        else:
            yield tokens[at]
            at += 1


def _after_braces(tokens: Sequence[Token], at: int) -> int:
    while at < len(tokens) and tokens[at].text in _BRACES:
        at += 1
    return at


def _after_call(tokens: Sequence[Token], opening: int) -> int:
    """Return the index after the parenthesis that closes the one at `opening`."""
    depth = 0
    for place in range(opening, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[place].text, 0)
        if depth == 0:
            return place + 1
    return len(tokens)


MAX_CHARACTERS = 200_000

Entry = Mapping[str, Any]
# (package or "", name, version or "") -> name of a table in the SQL
Resolve = Callable[[str, str, str], str]


class UnreadableSqlError(ValueError):
    """Only dbt can render the SQL, or it cannot be parsed."""


def render(
    code: str,
    ref: Resolve,
    source: Resolve,
    own_vars: Mapping[str, Any],
    *,
    this: str,
    is_incremental: bool,
) -> str:
    """Return the SQL of a node, with the table names that `ref` and `source` return, and `this`.

    Raises:
        UnreadableSqlError: It uses values that only dbt knows.
    """
    if len(code) > MAX_CHARACTERS:
        raise UnreadableSqlError("too long")
    environment = SandboxedEnvironment(
        undefined=StrictUndefined, extensions=["jinja2.ext.do"], autoescape=False
    )
    names = _Names(ref, source, own_vars)
    context = {
        "ref": names.ref,
        "source": names.source,
        "var": names.var,
        "config": lambda *_, **__: "",
        "env_var": lambda name, default="floe": default,
        "is_incremental": lambda: is_incremental,
        "this": this,
        "tojson": json.dumps,
    }
    try:
        return environment.from_string(code).render(context)
    except (TemplateError, TypeError, ValueError, LookupError, OverflowError) as error:
        raise UnreadableSqlError(str(error)) from None
    except RecursionError:
        raise UnreadableSqlError("nested too deep") from None


class _Names:
    def __init__(self, ref: Resolve, source: Resolve, own_vars: Mapping[str, Any]) -> None:
        self._ref = ref
        self._source = source
        self._vars = own_vars

    def ref(self, *words: str, v: object = "", version: object = "") -> str:
        package, name = words if len(words) == 2 else ("", *words)
        return self._ref(str(package), str(name), str(v or version or ""))

    def source(self, source: str, table: str) -> str:
        return self._source(source, table, "")

    def var(self, name: str, *default: Any) -> Any:
        if name in self._vars:
            return self._vars[name]
        return default[0] if default else _refuse(f"var {name}")


def _refuse(what: str) -> NoReturn:
    raise UnreadableSqlError(what)
