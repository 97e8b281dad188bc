"""Derive the columns of UNION, EXCEPT and INTERSECT."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from floe_core.sql.columns.needs import NONE, perhaps
from floe_core.sql.columns.origins import Origins, as_indirect, merge
from floe_core.sql.columns.relation import Relation, alike
from floe_core.sql.columns.scope import Scope
from floe_core.sql.names import Names


def combine(operation: exp.SetOperation, left: Relation, right: Relation, scope: Scope) -> Relation:
    """Return the columns of a set operation, named as on the left side."""
    _note_needs(operation, left, right, scope)
    relation = _combine_columns(operation, left, right, scope.identifiers)
    if not operation.args.get("distinct"):
        return relation
    return replace(relation, effects=merge([relation.effects, relation.grouping()]))


def _note_needs(operation: exp.SetOperation, left: Relation, right: Relation, scope: Scope) -> None:
    """Note that the sides fit together as they are: by position, or by name."""
    notes = scope.notes
    is_paired = left.is_complete and right.is_complete and len(left.fields) == len(right.fields)
    if operation.args.get("distinct") or not isinstance(operation, exp.Union) or not is_paired:
        notes.use(left.made_of() | right.made_of())
    if not operation.args.get("by_name") or operation.args.get("distinct"):
        notes.need(left.whole() | right.whole())
    if operation.args.get("by_name"):
        for one, other in ((left, right), (right, left)):
            for each in other.fields:
                notes.need(one.without(scope.identifiers.key(each.name)))


def _combine_columns(
    operation: exp.SetOperation, left: Relation, right: Relation, identifiers: Names
) -> Relation:
    effects = merge([left.effects, right.effects])
    if not isinstance(operation, exp.Union):
        # The rows are those of the left side; the right side only determines which remain.
        values = merge(field.origins for field in right.fields)
        return replace(left, effects=merge([effects, as_indirect(values, "FILTER")]))
    if operation.args.get("by_name"):
        return _by_name(left, right, effects, identifiers)
    if not (left.is_complete and right.is_complete and len(left.fields) == len(right.fields)):
        # It is unknown which columns of the two sides correspond.
        return replace(left, is_complete=False, effects=effects)
    pairs = zip(left.fields, right.fields, strict=True)
    fields = (
        replace(
            alike([one, two]),
            name=one.name,
            needs=one.needs,
            places=one.places,
            made_of=one.made_of | two.made_of,
        )
        for one, two in pairs
    )
    return Relation(tuple(fields), True, effects=effects, spread=left.spread)


def _by_name(left: Relation, right: Relation, effects: Origins, identifiers: Names) -> Relation:
    fields = {identifiers.key(field.name): field for field in left.fields if field.name}
    for field in right.fields:
        known = fields.get(identifiers.key(field.name))
        name = known.name if known else field.name
        both = [known, field] if known else [field]
        needs = perhaps(need for each in both for need in each.needs)
        made_of = NONE.union(*(each.made_of for each in both))
        fields[identifiers.key(field.name)] = replace(
            alike(both), name=name, needs=needs, made_of=made_of
        )
    are_named = all(field.name for field in (*left.fields, *right.fields))
    is_complete = left.is_complete and right.is_complete and are_named
    spread = left.spread | right.spread
    return Relation(
        tuple(fields.values()), is_complete, effects=effects, spread=spread, is_by_name=True
    )
