"""Find what a Jinja template reads that is not the same in every run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinja2 import Environment, TemplateSyntaxError

# What dbt's context offers that depends on the moment, on the run or on the warehouse's contents.
_VARYING = frozenset(
    {
        *("run_query", "statement", "load_result", "run_started_at", "invocation_id"),
        *("random", "load_agate_table", "get_relations_by_pattern"),
    }
)
# Of the adapter's methods those that ask the warehouse nothing.
STEADY_METHODS = frozenset(
    {"dispatch", "quote", "quote_as_configured", "type", "get_incremental_strategy_macro"}
)
_VARYING_MODULES = frozenset({"datetime", "pytz"})
# dbt's tags that plain Jinja does not have; to the lexer, their names are names like any other.
_LEXER = Environment(extensions=["jinja2.ext.do"], autoescape=False)
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)


def varying_reads(text: str) -> str:
    """Return the first name in a template that may have another value in the next run, "" for none.

    >>> varying_reads("{% set found = run_query('select 1') %}")
    'run_query'
    >>> varying_reads("select 1 -- run_query {# adapter.execute #}")
    ''
    """
    if "{" not in text:
        return ""
    try:
        names = list(_names(_COMMENT.sub("", text)))
    except TemplateSyntaxError:
        return "Jinja that cannot be read"
    for place, name in enumerate(names):
        following = names[place + 1] if place + 1 < len(names) else ""
        if name in _VARYING:
            return name
        if name == "adapter" and following.removeprefix(".") not in STEADY_METHODS:
            return f"adapter{following}" if following.startswith(".") else "adapter"
        if name == "modules" and following.removeprefix(".") in _VARYING_MODULES:
            return f"modules{following}"
    return ""


def _names(text: str) -> Iterator[str]:
    """Yield the names in blocks and expressions; one after a dot begins with the dot."""
    is_attribute = False
    for _, kind, value in _LEXER.lex(text):
        if kind == "name":
            yield f".{value}" if is_attribute else value
        if kind != "whitespace":
            is_attribute = kind == "operator" and value == "."
