"""Find an expression's value: the members of structs as well as the origins of the whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlglot import exp

from floe_core.sql.columns.origins import (
    AGGREGATION,
    IDENTITY,
    NOTHING,
    TRANSFORMATION,
    Origins,
    apply_step,
    as_indirect,
    merge,
)
from floe_core.sql.columns.relation import (
    NO_VALUE,
    Field,
    Relation,
    alike,
    element_of,
    list_of,
    member_of,
    struct_of,
)
from floe_core.sql.columns.scope import Scope

OriginsReader = Callable[[exp.Expr, Scope], Origins]
QueryReader = Callable[[exp.Expr, Scope], Relation]

# Those of sqlglot's aggregate functions that pick one row's value instead of combining rows.
PICKING = (exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue)
# Aggregates whose value is one of their inputs.
_ONE_OF_ALL = (exp.AnyValue, exp.Max, exp.Min, exp.First, exp.Last)
_AS_INSIDE = (exp.Alias, exp.Paren, exp.IgnoreNulls, exp.RespectNulls)
_QUERIES = (exp.Subquery, exp.Select, exp.Union, exp.Except, exp.Intersect)


class ValueReader:
    """Reads expressions that may be structs or lists of them.

    `origins` reads all other expressions, `frame` the partitioning and order of a window, and
    `query` the queries in an expression.
    """

    def __init__(self, origins: OriginsReader, frame: OriginsReader, query: QueryReader) -> None:
        self._origins = origins
        self._frame = frame
        self._query = query
        self._readers: dict[type[exp.Expr], Callable[[exp.Expr, Scope], Field]] = {
            exp.Column: self._column,
            **dict.fromkeys(_AS_INSIDE, self._inner),
            exp.Struct: self._struct,
            exp.Dot: self._dot,
            exp.Bracket: self._bracket,
            exp.StructExtract: self._extract,
            exp.Array: self._array,
            exp.ArrayAgg: self._array_agg,
            exp.Explode: lambda each, scope: element_of(self.value(each.this, scope)),
            exp.Coalesce: self._coalesce,
            **dict.fromkeys((exp.Case, exp.If), self._choice),
            exp.Cast: self._cast,
            exp.Window: self._window,
            exp.ToMap: self._map,
            exp.JSONObject: self._json_object,
            **dict.fromkeys((exp.JSONExtract, exp.JSONExtractScalar), self._json_extract),
            **dict.fromkeys(_QUERIES, self._scalar),
            **dict.fromkeys((exp.ArgMax, exp.ArgMin), self._arg_extreme),
            **dict.fromkeys(_ONE_OF_ALL, self._one_of_all),
        }

    def value(self, expression: exp.Expr, scope: Scope) -> Field:
        """Return an expression's value."""
        reader = self._readers.get(type(expression))
        return reader(expression, scope) if reader else self._plain(expression, scope)

    def _plain(self, expression: exp.Expr, scope: Scope) -> Field:
        return Field("", self._origins(expression, scope))

    def _column(self, column: exp.Expr, scope: Scope) -> Field:
        assert isinstance(column, exp.Column)  # as `_readers` maps it
        if not isinstance(column.this, exp.Star):
            return scope.column(column)
        scope.need_row(column)
        return NO_VALUE

    def _inner(self, expression: exp.Expr, scope: Scope) -> Field:
        return self.value(expression.this, scope)

    def _struct(self, struct: exp.Expr, scope: Scope) -> Field:
        if not all(isinstance(each, exp.PropertyEQ | exp.Alias) for each in struct.expressions):
            return self._parts(struct, scope)
        return struct_of([self._member(each, scope) for each in struct.expressions])

    def _member(self, member: exp.Expr, scope: Scope) -> Field:
        if isinstance(member, exp.Alias):
            name = scope.identifiers.spell(member.args["alias"])
            return replace(self.value(member.this, scope), name=name)
        key = member.this
        name = scope.identifiers.spell(key) if isinstance(key, exp.Identifier) else key.name
        return replace(self.value(member.expression, scope), name=name)

    def _parts(self, expression: exp.Expr, scope: Scope) -> Field:
        """Return a value made of all parts of an expression, with unknown members."""
        parts = [self.value(each, scope) for each in expression.iter_expressions()]
        return replace(struct_of(parts), members=())

    def _dot(self, dot: exp.Expr, scope: Scope) -> Field:
        if not isinstance(dot.expression, exp.Identifier):
            return self._parts(dot, scope)
        name = scope.identifiers.spell(dot.expression)
        return member_of(self.value(dot.this, scope), [name], scope.identifiers)

    def _bracket(self, bracket: exp.Expr, scope: Scope) -> Field:
        value = self.value(bracket.this, scope)
        (key, *more) = bracket.expressions
        if more or isinstance(key, exp.Slice):
            return self._parts(bracket, scope)
        if isinstance(key, exp.Literal) and key.is_string and value.members and not value.lists:
            return member_of(value, [key.name], scope.identifiers)
        at = self._origins(key, scope)
        element = element_of(value)
        return replace(element, origins=merge([element.origins, apply_step(at, TRANSFORMATION)]))

    def _extract(self, extract: exp.Expr, scope: Scope) -> Field:
        value = self.value(extract.this, scope)
        key = extract.expression
        if not isinstance(key, exp.Literal) or not key.is_string:
            return self._parts(extract, scope)
        return member_of(value, [key.name], scope.identifiers)

    def _array(self, array: exp.Expr, scope: Scope) -> Field:
        elements = [self.value(each, scope) for each in array.expressions]
        return list_of(elements) if elements else self._plain(array, scope)

    def _array_agg(self, function: exp.Expr, scope: Scope) -> Field:
        taken = function.this
        order = NOTHING
        if isinstance(taken, exp.Order):
            order = as_indirect(
                merge(self._origins(each.this, scope) for each in taken.expressions), "SORT"
            )
            taken = taken.this
        if isinstance(taken, exp.Distinct):
            return self._plain(function, scope)
        value = alike([self.value(taken, scope)], AGGREGATION, order)
        return replace(value, origins=self._origins(function, scope), lists=value.lists + 1)

    def _coalesce(self, coalesce: exp.Expr, scope: Scope) -> Field:
        values = self._values([coalesce.this, *coalesce.expressions], scope)
        return replace(alike(values, TRANSFORMATION), origins=self._origins(coalesce, scope))

    def _choice(self, choice: exp.Expr, scope: Scope) -> Field:
        """Read CASE or IF."""
        branches = [choice, *(choice.args.get("ifs") or ())]
        given = [each.args.get("true") for each in branches]
        values = self._values([*given, *map(choice.args.get, ("default", "false"))], scope)
        conditions = (self._origins(each.this, scope) for each in branches if each.this)
        return alike(values, TRANSFORMATION, as_indirect(merge(conditions), "CONDITIONAL"))

    def _values(self, expressions: Sequence[exp.Expr | None], scope: Scope) -> list[Field]:
        """Return the values of the expressions that are not NULL, since NULL fits any members."""
        read = [each for each in expressions if each is not None and not isinstance(each, exp.Null)]
        return [self.value(each, scope) for each in read] or [NO_VALUE]

    def _cast(self, cast: exp.Expr, scope: Scope) -> Field:
        """Read a cast; a cast to a struct takes the members by name."""
        value = self.value(cast.this, scope)
        named = [each for each in cast.args["to"].expressions if isinstance(each, exp.ColumnDef)]
        names = [scope.identifiers.spell(each.this) for each in named]
        taken = names if value.members and not value.lists else []
        read = [alike([member_of(value, [n], scope.identifiers)], TRANSFORMATION) for n in taken]
        members = tuple(replace(each, name=n) for n, each in zip(taken, read, strict=True))
        return Field("", self._origins(cast, scope), members)

    def _window(self, window: exp.Expr, scope: Scope) -> Field:
        """Read a window function; one that picks a row's value keeps its members."""
        function = window.this
        if isinstance(function, exp.IgnoreNulls | exp.RespectNulls):
            function = function.this
        origins = self._origins(window, scope)
        if not isinstance(function, PICKING):
            return Field("", origins)
        value = self.value(function.this, scope)
        decides = self._frame(window, scope)
        return replace(alike([value], TRANSFORMATION, decides), origins=origins)

    def _map(self, made: exp.Expr, scope: Scope) -> Field:
        """Read a map; one with literal keys is read as a struct."""
        struct = made.this
        if not isinstance(struct, exp.Struct) or not all(
            isinstance(each, exp.PropertyEQ) and isinstance(each.this, exp.Literal)
            for each in struct.expressions
        ):
            return self._parts(made, scope)
        return self._struct(struct, scope)

    def _json_object(self, made: exp.Expr, scope: Scope) -> Field:
        pairs = made.expressions
        if not pairs or not all(
            isinstance(each, exp.JSONKeyValue) and isinstance(each.this, exp.Literal)
            for each in pairs
        ):
            return self._parts(made, scope)
        members = [replace(self.value(p.expression, scope), name=p.this.name) for p in pairs]
        return struct_of(members)

    def _json_extract(self, extract: exp.Expr, scope: Scope) -> Field:
        value = self.value(extract.this, scope)
        steps = extract.expression.expressions if extract.expression else []
        keys = [each for each in steps if not isinstance(each, exp.JSONPathRoot)]
        if not value.members or value.lists or not keys:
            return self._parts(extract, scope)
        if not all(isinstance(each, exp.JSONPathKey) for each in keys):
            return replace(struct_of([value]), members=())
        member = member_of(value, [str(each.this) for each in keys], scope.identifiers)
        return alike([member], TRANSFORMATION)

    def _one_of_all(self, function: exp.Expr, scope: Scope) -> Field:
        value = alike([self.value(function.this, scope)], AGGREGATION)
        return replace(value, origins=self._origins(function, scope))

    def _arg_extreme(self, function: exp.Expr, scope: Scope) -> Field:
        decides = as_indirect(self._origins(function.expression, scope), "SORT")
        return alike([self.value(function.this, scope)], AGGREGATION, decides)

    def _scalar(self, query: exp.Expr, scope: Scope) -> Field:
        relation = self._query(query, scope.inside())
        scope.notes.need(relation.whole())
        scope.notes.use(relation.made_of())
        value = relation.fields[0] if relation.fields else NO_VALUE
        return alike([value], IDENTITY, relation.effects)
