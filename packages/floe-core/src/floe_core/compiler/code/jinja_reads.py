"""Find values in a Jinja template that may differ from run to run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinja2 import Environment, TemplateSyntaxError

# Names in dbt's context that depend on the time, on the run or on the warehouse's contents.
OF_A_RUN = (
    *("run_query", "load_result", "run_started_at", "invocation_id", "invocation_args_dict"),
    *("selected_resources", "thread_id"),
)
# Materializations use the first two themselves.
_VARYING = frozenset(
    {*OF_A_RUN, "statement", "load_agate_table", "random", "get_relations_by_pattern"}
)
# The adapter's methods that do not query the warehouse.
STEADY_METHODS = frozenset(
    {"dispatch", "quote", "quote_as_configured", "type", "get_incremental_strategy_macro"}
)
_VARYING_MODULES = frozenset({"datetime", "pytz"})
# For dbt's tags that plain Jinja lacks; the lexer treats their names like any other name.
_LEXER = Environment(extensions=["jinja2.ext.do"], autoescape=False)
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)


def find_varying_read(text: str) -> str:
    """Return the first name in a template whose value may differ in the next run, "" for none.

    >>> find_varying_read("{% set found = run_query('select 1') %}")
    'run_query'
    >>> find_varying_read("select 1 -- run_query {# adapter.execute #}")
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
    """Yield the names in blocks and expressions; a name after a dot includes the dot."""
    is_attribute = False
    for _, kind, value in _LEXER.lex(text):
        if kind == "name":
            yield f".{value}" if is_attribute else value
        if kind != "whitespace":
            is_attribute = kind == "operator" and value == "."
