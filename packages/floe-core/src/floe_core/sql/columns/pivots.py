"""Derive the columns of PIVOT and UNPIVOT."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlglot import exp

from floe_core.sql.columns.origins import NOTHING, Origins, as_indirect, merge
from floe_core.sql.columns.relation import Field, Relation, alike
from floe_core.sql.names import Names

ExpressionReader = Callable[[exp.Expr], Origins]


def pivot_relation(
    pivot: exp.Expr, relation: Relation, read: ExpressionReader, identifiers: Names
) -> Relation:
    """Return the relation that PIVOT or UNPIVOT makes of another; an empty one if unknown.

    `read` returns the origins of an expression on the relation's columns.
    """
    if pivot.args.get("unpivot"):
        return _unpivot(pivot, relation, identifiers)
    return _pivot(pivot, relation, read, identifiers)


def _unpivot(pivot: exp.Expr, relation: Relation, identifiers: Names) -> Relation:
    """Read `UNPIVOT (value FOR name IN (a, b))`, or `UNPIVOT t ON a, b INTO NAME name VALUE value`.

    Rows without a value are left out unless nulls are included.
    """
    into = pivot.args.get("into")
    if into is not None:
        listed, name, values = pivot.expressions, into.this, into.expressions
    elif len(fields := list(pivot.args.get("fields") or ())) == 1:
        listed, name, values = fields[0].expressions, fields[0].this, pivot.expressions
    else:
        return Relation()
    columns = _columns(listed, relation, identifiers)
    if columns is None or len(values) != 1:
        return Relation()
    keys = {identifiers.key(each.name) for each in columns}
    kept = [each for each in relation.fields if identifiers.key(each.name) not in keys]
    made = [
        Field(_spell(name, identifiers), NOTHING),
        replace(alike(columns), name=_spell(values[0], identifiers)),
    ]
    nulls: Origins = NOTHING
    if not pivot.args.get("include_nulls"):
        nulls = as_indirect(merge(each.origins for each in columns), "FILTER")
    return replace(
        relation,
        fields=(*kept, *made),
        hidden=relation.hidden | keys,
        effects=merge([relation.effects, nulls]),
    )


def _columns(
    listed: Sequence[exp.Expr], relation: Relation, identifiers: Names
) -> list[Field] | None:
    found = []
    for each in listed:
        column = each.this if isinstance(each, exp.PivotAlias) else each
        if not isinstance(column, exp.Column) or not isinstance(column.this, exp.Identifier):
            return None
        name = identifiers.spell(column.this)
        known = relation.find(identifiers.key(name), identifiers)
        found.append(known or relation.unlisted(name, identifiers.key(name)))
    return found or None


def _pivot(
    pivot: exp.Expr, relation: Relation, read: ExpressionReader, identifiers: Names
) -> Relation:
    """Read `PIVOT (sum(a) FOR b IN (1))`, or `PIVOT t ON b IN (1) USING sum(a) GROUP BY c`."""
    using = pivot.args.get("using")
    aggregates = using or [each for each in pivot.expressions if not isinstance(each, exp.In)]
    over = list(pivot.expressions if using else pivot.args.get("fields") or ())
    by = _grouping(pivot, [*over, *aggregates], relation, identifiers)
    if by is None or not aggregates:
        return Relation()
    grouping = as_indirect(merge(each.origins for each in by), "GROUP_BY")
    effects = merge([relation.effects, grouping])
    values = _values(over)
    if not values:
        # There is a column for each value in the data, which the query does not list.
        return Relation(tuple(by), effects=effects)
    decides = as_indirect(read(over[0].this), "CONDITIONAL")
    is_named = len(aggregates) > 1 or isinstance(aggregates[0], exp.Alias)
    names = [each.alias or each.sql("duckdb").lower() for each in aggregates]
    made = [
        Field(f"{value}_{name}" if is_named else value, merge([read(each), decides]))
        for value in values
        for name, each in zip(names, aggregates, strict=True)
    ]
    return Relation((*by, *made), True, effects=effects)


def _grouping(
    pivot: exp.Expr,
    using: Sequence[exp.Expr],
    relation: Relation,
    identifiers: Names,
) -> list[Field] | None:
    """Return the columns that the rows are grouped by: the named ones, or all unused ones."""
    if (group := pivot.args.get("group")) is not None:
        return _columns(group.expressions, relation, identifiers)
    if not relation.is_complete:
        return None
    used = {
        identifiers.key_of(column.this)
        for each in using
        for column in each.find_all(exp.Column)
        if isinstance(column.this, exp.Identifier)
    }
    return [each for each in relation.fields if identifiers.key(each.name) not in used]


def _values(over: Sequence[exp.Expr]) -> list[str]:
    """Return the column names made from the values of the one pivoted column; [] if unknown."""
    if len(over) != 1 or not isinstance(over[0], exp.In):
        return []
    names = [_value_name(each) for each in over[0].expressions]
    return [] if None in names else [str(each) for each in names]


def _value_name(value: exp.Expr) -> str | None:
    if isinstance(value, exp.PivotAlias):
        return str(value.args["alias"].name)
    return value.name if isinstance(value, exp.Literal) else None


def _spell(name: exp.Expr, identifiers: Names) -> str:
    return identifiers.spell(name.this if isinstance(name, exp.Column) else name)
