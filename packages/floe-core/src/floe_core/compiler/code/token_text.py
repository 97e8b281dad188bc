"""Reduce a node's text to its tokens, without comments, blanks and the case of keywords."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlglot
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
