"""Parse the Jinja of equal macros only once in a process.

dbt parses the text of each macro twice, to find its name and to find what it calls: 600 macros of
dbt and an adapter, whatever the size of the project. Both only read the syntax trees. The first
compile of a process takes 0.4 s of CPU time less, each further one 0.8 s of 1.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from floe_core.dbt.lighter_dbt.known_source import are_known, replaced

# Trees of the macros of dbt and an adapter take some 8 MB.
_MOST_TREES = 4000
_trees: dict[Any, Any] = {}


@contextmanager
def remembered_syntax() -> Iterator[None]:
    """Make dbt read the syntax trees of macros that it parsed before, inside the block."""
    try:
        from dbt.clients import jinja_static
        from dbt.parser.generic_test import GenericTestParser
        from dbt.parser.macros import MacroParser
        from dbt_common.clients.jinja import MacroFuzzEnvironment as Environment

        readers = (
            jinja_static.statically_extract_has_name_this,
            jinja_static.statically_extract_macro_calls,
            jinja_static.statically_parse_adapter_dispatch,
            jinja_static.statically_parse_unrendered_config,
            GenericTestParser.parse_unparsed_generic_test,
            MacroParser.parse_unparsed_macros,
        )
    except (ImportError, AttributeError):
        yield
        return
    if "parse" in vars(Environment) or not are_known(*readers):
        yield
        return
    parse = Environment.parse
    # Each call has an environment of its own, which a tree keeps: trees share one of each kind.
    shared: dict[Any, Any] = {}

    def parse_once(
        environment: Any, source: str, name: str | None = None, filename: str | None = None
    ) -> Any:
        kind = type(environment), (*environment.extensions,)
        key = kind, source, name, filename
        if key not in _trees:
            if len(_trees) >= _MOST_TREES:
                _trees.clear()
            same = shared.setdefault(kind, environment)
            _trees[key] = parse(same, source, name, filename)
        return _trees[key]

    with replaced(Environment, "parse", parse_once):
        yield
