"""Read the sources of a SELECT: its FROM and JOINs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from sqlglot import exp

from floe_core.sql.columns.expressions import ExpressionReader
from floe_core.sql.columns.origins import (
    NOTHING,
    TRANSFORMATION,
    Origins,
    apply_step,
    as_indirect,
    merge,
)
from floe_core.sql.columns.pivots import pivot_relation
from floe_core.sql.columns.relation import Field, Relation, element_of
from floe_core.sql.columns.scope import Scope

TableFinder = Callable[[exp.Table, Scope], Relation]
QueryReader = Callable[[exp.Expr, Scope], Relation]


@dataclass(frozen=True)
class SourceReader:
    """Reads the sources of a SELECT into its scope."""

    _table: TableFinder
    _query: QueryReader
    _expressions: ExpressionReader

    def read(self, select: exp.Expr, scope: Scope) -> tuple[Scope, Origins]:
        """Return the scope with all sources, and the effects of the sources and their joins."""
        effects: Origins = NOTHING
        from_ = select.args.get("from_")
        if from_ is not None:
            scope, effects = self._with_source(from_.this, scope)
        for join in [*(select.args.get("joins") or ()), *(select.args.get("laterals") or ())]:
            scope, more = self._with_join(join, scope)
            effects = merge([effects, more])
        return scope, effects

    def _with_source(self, source: exp.Expr, scope: Scope) -> tuple[Scope, Origins]:
        """Add a source, and the sources joined to it in parentheses."""
        if isinstance(source, exp.Final):
            return self._with_source(source.this, scope)
        is_parentheses = isinstance(source, exp.Subquery) and not source.alias
        if is_parentheses and isinstance(source.this, exp.Table | exp.Subquery):
            scope, effects = self._with_source(source.this, scope)
        else:
            relation = self._relation(source, scope)
            scope = _with_relation(scope, _key(source, scope), relation)
            effects = relation.effects
        for join in source.args.get("joins") or ():
            scope, more = self._with_join(join, scope)
            effects = merge([effects, more])
        return scope, effects

    def _with_join(self, join: exp.Expr, scope: Scope) -> tuple[Scope, Origins]:
        if not isinstance(join, exp.Join):
            return self._with_source(join, scope)
        if join.kind == "ARRAY":
            return self._with_elements([join.this, *join.expressions], scope)
        before = scope
        scope, effects = self._with_source(join.this, scope)
        using = [
            scope.identifiers.spell(identifier_of(each)) for each in join.args.get("using") or ()
        ]
        if join.method == "NATURAL":
            using = _common_columns(before, scope)
            _keep_apart(before, scope)
        on = as_indirect(self._expressions.origins(join.args.get("on"), scope), "JOIN")
        scope, used = _with_using(join, using, before, scope)
        if join.kind in ("SEMI", "ANTI") and not scope.identifiers.keeps_semi_joined:
            scope = before
        return scope, merge([effects, on, as_indirect(used, "JOIN")])

    def _with_elements(self, arrays: Sequence[exp.Expr], scope: Scope) -> tuple[Scope, Origins]:
        """Read ARRAY JOIN: a row for each element of the arrays, under their names or aliases."""
        values = {
            scope.identifiers.key(each.alias_or_name): element_of(
                self._expressions.value(each.unalias(), scope)
            )
            for each in arrays
        }
        scope = replace(scope, parameters={**scope.parameters, **values})
        return scope, as_indirect(merge(each.origins for each in values.values()), "JOIN")

    def _relation(self, source: exp.Expr, scope: Scope) -> Relation:
        if pivots := source.args.get("pivots"):
            return self._pivot(source, pivots, scope)
        columns = _column_names(source, scope)
        if isinstance(source, exp.Table):
            if isinstance(source.this, exp.Func):
                scope.notes.mark_read(source)
                found = self._function(source.this.iter_expressions(), columns, scope)
                return Relation() if source.args.get("ordinality") else found
            return self._table(source, scope).rename_columns(columns, scope.notes)
        if isinstance(source, exp.Unnest):
            return self._unnest(source, columns, scope)
        if isinstance(source, exp.Values):
            self._expressions.all_origins(source.expressions, scope)
            return Relation(tuple(Field(name, NOTHING) for name in columns), bool(columns))
        if isinstance(source, exp.Lateral):
            return self._lateral(source.this, scope).rename_columns(columns, scope.notes)
        return self._query(source, scope.beside()).rename_columns(columns, scope.notes)

    def _lateral(self, source: exp.Expr, scope: Scope) -> Relation:
        if isinstance(source, exp.Query):
            return self._query(source, scope.inside())
        self._expressions.origins(source, scope)
        return Relation()

    def _unnest(self, unnest: exp.Unnest, columns: Sequence[str], scope: Scope) -> Relation:
        values = [element_of(self._expressions.value(each, scope)) for each in unnest.expressions]
        names, has_one = scope.identifiers, len(values) == 1 and not values[0].members
        if not columns and names.unnested and has_one and not unnest.args.get("offset"):
            alias = unnest.args.get("alias")
            name = names.spell(alias.this) if alias and alias.this else names.unnested
            other = names.unnested if names.keeps_unnested else ""
            return Relation((replace(values[0], name=name, other_name=other),), True)
        if len(columns) != len(values) or unnest.args.get("offset"):
            return Relation()
        pairs = zip(columns, values, strict=True)
        return Relation(tuple(replace(value, name=name) for name, value in pairs), True)

    def pivot_statement(self, pivot: exp.Expr, scope: Scope) -> Relation:
        """Return the columns of `PIVOT table ON ...` or `UNPIVOT table ON ...`."""
        source = pivot.this.copy()
        plain = pivot.copy()
        plain.set("this", None)
        source.set("pivots", [plain])
        return self._relation(source, scope)

    def _pivot(self, source: exp.Expr, pivots: Sequence[exp.Expr], scope: Scope) -> Relation:
        """Return a source with its pivots applied in order."""
        plain = source.copy()
        plain.set("pivots", None)
        relation = self._relation(plain, scope)
        scope.use_rows(relation)
        for pivot in pivots:
            scope.notes.mark_read(*pivot.find_all(exp.Column))
            inner = _with_relation(scope.beside(), _key(plain, scope), relation)
            read = partial(self._expressions.origins, scope=inner)
            relation = pivot_relation(pivot, relation, read, scope.identifiers)
        return relation.rename_columns(_column_names(pivots[-1], scope), scope.notes)

    def _function(
        self, arguments: Sequence[exp.Expr] | object, columns: Sequence[str], scope: Scope
    ) -> Relation:
        """Return the columns of a table function: one made of its arguments, else unknown."""
        value = self._expressions.all_origins(arguments, scope)  # type: ignore[arg-type]
        if len(columns) != 1:
            return Relation()
        return Relation((Field(columns[0], apply_step(value, TRANSFORMATION)),), True)


def _with_relation(scope: Scope, key: str, relation: Relation) -> Scope:
    key = key or f"#{len(scope.sources)}"
    if key in scope.sources:
        # Two sources with the same name: ambiguous.
        scope.notes.is_lost, relation = True, Relation()
    return replace(scope, sources={**scope.sources, key: relation})


def _with_using(
    join: exp.Join, using: Sequence[str], before: Scope, scope: Scope
) -> tuple[Scope, Origins]:
    """Return the scope with the columns of USING merged, and their origins on both sides."""
    added = [each for key, each in scope.sources.items() if key not in before.sources]
    left = replace(before, outer=None, aliases={})
    right = replace(left, sources={f"#{n}": each for n, each in enumerate(added)}, merged={})
    columns, used = dict(scope.merged), []
    for name in using:
        left_origins = left.bare(name, is_quoted=True)
        right_origins = right.bare(name, is_quoted=True)
        used += [left_origins, right_origins]
        columns[scope.identifiers.key(name)] = {
            "RIGHT": right_origins,
            "FULL": apply_step(merge([left_origins, right_origins]), TRANSFORMATION),
        }.get(join.side, left_origins)
    return replace(scope, merged=columns), merge(used)


def _common_columns(before: Scope, scope: Scope) -> list[str]:
    """Return the columns that a natural join merges.

    Raises:
        NotUnderstoodError: Not all columns of both sides are known.
    """
    if not all(each.is_complete for each in scope.sources.values()):
        raise NotUnderstoodError("a natural join of tables whose columns are not known")
    key = scope.identifiers.key
    left = {key(field.name) for each in before.sources.values() for field in each.fields}
    added = [each for name, each in scope.sources.items() if name not in before.sources]
    names = [field.name for each in added for field in each.fields if field.name]
    return [name for name in names if key(name) in left]


def _keep_apart(before: Scope, scope: Scope) -> None:
    """Note that neither side of a natural join may get a column of the other."""
    left = list(before.sources.values())
    right = [each for name, each in scope.sources.items() if name not in before.sources]
    for these, others in ((left, right), (right, left)):
        keys = {scope.identifiers.key(field.name) for each in others for field in each.fields}
        for one in these:
            scope.notes.need(need for key in keys for need in one.without(key))


class NotUnderstoodError(ValueError):
    """The query is of a kind that is not supported."""


def _key(source: exp.Expr, scope: Scope) -> str:
    pivots = source.args.get("pivots")
    alias = (pivots[-1] if pivots else source).args.get("alias") or source.args.get("alias")
    if isinstance(alias, exp.TableAlias) and alias.this is not None:
        return scope.identifiers.key_of(alias.this)
    if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
        return scope.identifiers.key_of(source.this)
    return ""


def _column_names(source: exp.Expr, scope: Scope) -> list[str]:
    alias = source.args.get("alias")
    columns = alias.args.get("columns") or () if isinstance(alias, exp.TableAlias) else ()
    return [scope.identifiers.spell(identifier_of(each)) for each in columns]


def identifier_of(name: exp.Expr) -> exp.Expr:
    """Return the identifier of a column's name, with or without its table."""
    return name if isinstance(name, exp.Identifier) else name.this
