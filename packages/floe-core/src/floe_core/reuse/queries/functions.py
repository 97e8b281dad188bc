"""What a warehouse says of its functions, and the calls of them in a query's text.

sqlglot's syntax tree has its own names for functions, and does not show that an argument was left
out whose default is the time of the run. Here, the warehouse's own functions matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import sqlglot
from sqlglot import Token, TokenType


@dataclass(frozen=True, slots=True)
class Functions:
    """Functions by their names in lower case.

    The value of `steady` ones depends only on their arguments. `own` are user-defined, whatever
    else has that name; a name after a dot is of one that is called like a column (`t.full_name`).
    `implied` is one of them that queries call without its name, such as an operator, "" for none.
    """

    steady: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    implied: str = ""


# Words before a parenthesis that are not functions: keywords, and types with a length.
_SYNTAX = frozenset(
    {
        *("all", "and", "any", "as", "between", "by", "case", "cross", "cube", "distinct", "else"),
        *("end", "except", "exists", "filter", "from", "full", "group", "having", "in", "inner"),
        *("intersect", "interval", "is", "join", "lateral", "left", "like", "ilike", "rlike"),
        *("limit", "materialized", "minus", "natural", "not", "of", "offset", "on", "or"),
        *("order", "outer", "over", "partition", "pivot", "qualify", "right", "rollup", "select"),
        *("sets", "some", "table", "then", "union", "unpivot", "using", "values", "when"),
        *("where", "with", "within", "xor", "glob", "regexp", "escape", "cast"),
        *("try_cast", "safe_cast"),
        *("binary", "char", "character", "decimal", "float", "int", "integer", "nchar", "number"),
        *("numeric", "nvarchar", "string", "text", "varbinary", "varchar", "varying", "vector"),
    }
)
# Operators that are functions on SQLite.
_OPERATORS = frozenset({"like", "glob", "regexp", "match", "->", "->>"})
_OPENING = (TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE)
_CLOSING = (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE)


@dataclass(frozen=True, slots=True)
class Call:
    """A function's name in lower case, and the tokens of each argument.

    `is_placed`: the function is qualified by a schema, so it is not one of the warehouse's own.
    """

    name: str
    arguments: tuple[tuple[Token, ...], ...]
    is_placed: bool = False

    @property
    def tokens(self) -> Iterator[Token]:
        """The tokens of all arguments."""
        return chain.from_iterable(self.arguments)


def called_names(sql: str, dialect: str) -> frozenset[str]:
    """Return the names in lower case that a query may call as functions; columns' after a dot.

    Raises:
        sqlglot.errors.TokenError: The text can't be tokenized in that dialect.
    """
    tokens = [*sqlglot.tokenize(sql, dialect=dialect)]
    found = {t.text.lower() for t in tokens} & _OPERATORS
    for one, two in pairwise(tokens):
        if two.token_type == TokenType.L_PAREN:
            found.add(one.text.lower())
        if one.token_type == TokenType.DOT:
            found.add(f".{two.text.lower()}")
    return frozenset(found)


def function_calls(sql: str, dialect: str) -> Iterator[Call]:
    """Yield the calls in a query, in a sqlglot dialect; a few may not be calls.

    Raises:
        sqlglot.errors.TokenError: The text can't be tokenized in that dialect.
    """
    tokens = sqlglot.tokenize(sql, dialect=dialect)
    for at in range(len(tokens) - 1):
        name, before = tokens[at], tokens[at - 1] if at else None
        if tokens[at + 1].token_type != TokenType.L_PAREN or not _is_word(name):
            continue
        is_placed = before is not None and before.token_type == TokenType.DOT
        is_alias = before is not None and before.text.lower() in ("as", "with", "recursive")
        is_quoted = name.token_type == TokenType.IDENTIFIER
        if is_placed or not (is_alias or (name.text.lower() in _SYNTAX and not is_quoted)):
            yield Call(name.text.lower(), _arguments(tokens, at + 2), is_placed or is_quoted)


def _is_word(token: Token) -> bool:
    is_name = token.text.replace("$", "_").isidentifier()
    return token.token_type == TokenType.IDENTIFIER or (
        is_name and token.token_type != TokenType.STRING
    )


def _arguments(tokens: Sequence[Token], start: int) -> tuple[tuple[Token, ...], ...]:
    """Return the tokens of each argument, starting after the parenthesis."""
    depth, found = 0, list[tuple[Token, ...]]()
    one: list[Token] = []
    for token in tokens[start:]:
        if token.token_type in _CLOSING:
            depth -= 1
        if depth < 0:
            break
        if token.token_type == TokenType.COMMA and depth == 0:
            found.append(tuple(one))
            one = []
            continue
        depth += token.token_type in _OPENING
        one.append(token)
    return tuple([*found, tuple(one)] if found or one else [])
