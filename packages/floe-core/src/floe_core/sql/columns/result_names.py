"""The names that a query gives to its columns."""

from __future__ import annotations

from sqlglot import exp

from floe_core.sql.columns.scope import Scope


def name_of(projection: exp.Expr, scope: Scope) -> str:
    """Return the name of a projection, "" if it has none of its own or it is unknown."""
    if isinstance(projection, exp.Alias):
        return scope.identifiers.spell(projection.args["alias"])
    value = projection.unnest()
    if not isinstance(value, exp.Column) or not isinstance(value.this, exp.Identifier):
        return ""
    parts = [scope.identifiers.spell(part) for part in value.parts]
    if len(parts) == 1 or not scope.identifiers.puts_source_before:
        return scope.spelling(parts[-1])
    if parts[-2] in scope.sources:
        return name_from(parts[-2], parts[-1], scope)
    return ".".join(parts[1:] if parts[0] in scope.sources else parts)


def name_from(source: str, name: str, scope: Scope) -> str:
    """Return the name in the result of a source's column, "" if it is unknown.

    ClickHouse puts the source before it if another source has such a column, or if it is an alias;
    but not for the first of two sources.
    """
    if not scope.identifiers.puts_source_before:
        return name
    key = scope.identifiers.key(name)
    others = [relation for each, relation in scope.sources.items() if each != source]
    is_first_of_two = len(others) == 1 and source == next(iter(scope.sources))
    is_shared = any(each.find(key, scope.identifiers) for each in others) and not is_first_of_two
    if is_shared or key in scope.aliases:
        return "" if source.startswith("#") else f"{source}.{name}"
    is_certain = is_first_of_two or all(each.is_complete for each in others)
    return name if is_certain else ""
