"""Compare a query's text with sqlglot's reading of it.

sqlglot drops arguments of some dialects' functions that its syntax tree has no place for. Such
queries count as equal only if their texts are.
"""

from __future__ import annotations

from collections import Counter

import sqlglot
from sqlglot import Token, TokenType

_TEXTS = (TokenType.STRING, TokenType.IDENTIFIER)
_VALUES = (TokenType.NUMBER, TokenType.VAR, *_TEXTS)
_WORDS = frozenset({"distinct", "ignore", "respect", "+"})


def token_words(sql: str, dialect: str) -> list[str]:
    """Return a query's tokens, without comments and blanks, in one case except for texts.

    Raises:
        sqlglot.errors.TokenError: The text can't be tokenized in that dialect.
    """
    tokens = sqlglot.tokenize(sql, dialect=dialect)
    return [f"{t.token_type.name}:{_word(t)}" for t in tokens]


def is_whole(sql: str, read: str, dialect: str) -> bool:
    """Return whether all names and values of a query are in the SQL generated from its tree.

    Raises:
        sqlglot.errors.TokenError: One of the two can't be tokenized in that dialect.
    """
    return not _values(sql, dialect) - _values(read, dialect)


def _values(sql: str, dialect: str) -> Counter[str]:
    tokens = sqlglot.tokenize(sql, dialect=dialect)
    following = [*(t.token_type for t in tokens[1:]), None]
    return Counter(
        word
        for token, after in zip(tokens, following, strict=True)
        if (token.token_type in _VALUES and after != TokenType.L_PAREN)
        or token.text.lower() in _WORDS
        # `interval '1 day'` is generated as `interval '1' day`.
        for word in token.text.lower().split() or [""]
    )


def _word(token: Token) -> str:
    return token.text if token.token_type in _TEXTS else token.text.lower()
