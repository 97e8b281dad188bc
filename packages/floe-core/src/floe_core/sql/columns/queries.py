"""Read queries: derive the columns that they return, and the origins of these columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from floe_core.sql.columns.aggregates import adds_up
from floe_core.sql.columns.expressions import ExpressionReader
from floe_core.sql.columns.needs import NONE, Kind, Need, Needs
from floe_core.sql.columns.origins import NOTHING, Origins, as_indirect, merge
from floe_core.sql.columns.relation import NO_VALUE, Field, Relation
from floe_core.sql.columns.scope import Scope
from floe_core.sql.columns.select_list import SelectListReader
from floe_core.sql.columns.set_operation import combine
from floe_core.sql.columns.sources import SourceReader

ValueReader = Callable[[exp.Expr, Scope], Field]

# Clauses with names of their own: queries, and the columns that ARRAY JOIN adds.
_WITHOUT_ALIASES = frozenset({"from_", "joins", "laterals", "with_"})
_OF_ANOTHER_QUERY = (exp.Select, exp.SetOperation, exp.Subquery, exp.Star)


def with_aliases(select: exp.Select, scope: Scope, read: ValueReader) -> Scope:
    """Return a query's scope with its aliases, each read when it is used."""
    return scope.with_aliases(_Aliases(_expressions(select, scope), scope, read))


def with_unread_aliases(select: exp.Select, scope: Scope) -> Scope:
    """Return a scope in which a query's aliases have no value, to read what its sources join on."""
    return scope.with_aliases(dict.fromkeys(_expressions(select, scope), NO_VALUE))


@dataclass(frozen=True)
class _Aliases(Mapping[str, Field]):
    """The values of aliases; an alias in its own expression is a column."""

    expressions: Mapping[str, exp.Expr | None]
    scope: Scope
    read: ValueReader
    busy: frozenset[str] = frozenset()
    found: dict[tuple[str, frozenset[str]], Field] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Field:
        if key not in self:
            raise KeyError(key)
        if (key, self.busy) not in self.found:
            busy = self.busy | {key}
            others = _Aliases(self.expressions, self.scope, self.read, busy, self.found)
            expression = self.expressions[key]
            inner = self.scope.with_aliases(others)
            value = NO_VALUE if expression is None else self.read(expression, inner)
            self.found[key, self.busy] = value
        return self.found[key, self.busy]

    def __contains__(self, key: object) -> bool:
        return key in self.expressions and key not in self.busy

    def __iter__(self) -> Iterator[str]:
        return (key for key in self.expressions if key in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _expressions(select: exp.Select, scope: Scope) -> dict[str, exp.Expr | None]:
    """Return alias -> expression, None if several expressions have the alias."""
    found: dict[str, exp.Expr | None] = {}
    for name, expression in _named(select):
        key = scope.identifiers.key_of(name)
        found[key] = expression if found.get(key, expression) == expression else None
    return found


def _named(select: exp.Select) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    with_ = select.args.get("with_")
    for cte in with_.expressions if with_ else ():
        if cte.args.get("scalar"):
            yield cte.args["alias"].this, cte.this
    for part in _parts(select):
        for each in part.walk(prune=lambda inner: isinstance(inner, _OF_ANOTHER_QUERY)):
            if isinstance(each, exp.Alias):
                yield each.args["alias"], each.this


def _parts(select: exp.Select) -> Iterator[exp.Expr]:
    """Yield the clauses that may define aliases."""
    for name, clause in select.args.items():
        if name not in _WITHOUT_ALIASES:
            clauses = clause if isinstance(clause, list) else [clause]
            yield from (each for each in clauses if isinstance(each, exp.Expr))


# A recursive query is read until a round adds nothing new; a round never removes anything.
_MOST_ROUNDS = 20


class QueryReader:
    """Reads queries; `table` returns what is known of a table that is not a CTE."""

    def __init__(self, table: Callable[[exp.Table, Scope], Relation]) -> None:
        self._find_table = table
        self._expressions = ExpressionReader(self.read)
        self._sources = SourceReader(self._table, self.read, self._expressions)
        self._select_list = SelectListReader(self._expressions)

    def read(self, query: exp.Expr, scope: Scope) -> Relation:
        """Return the columns of a query; `scope` has no sources of its own yet."""
        scope = self._with_ctes(query, scope)
        if isinstance(query, exp.Select):
            return self._select(query, scope)
        if isinstance(query, exp.SetOperation):
            left = self.read(query.this, scope)
            relation = combine(query, left, self.read(query.expression, scope), scope)
        elif isinstance(query, exp.Pivot):
            return self._sources.pivot_statement(query, scope)
        elif isinstance(query, exp.Subquery) and not query.args.get("pivots"):
            relation = self.read(query.this, scope)
        else:
            return Relation()
        order = self._origins_of_order(query, relation, scope)
        return replace(relation, effects=merge([relation.effects, order]))

    def _with_ctes(self, query: exp.Expr, scope: Scope) -> Scope:
        with_ = query.args.get("with_")
        if with_ is None:
            return scope
        for cte in with_.expressions:
            key = scope.identifiers.key_of(cte.args["alias"].this)
            if cte.args.get("scalar"):
                scope = replace(scope, scalars=scope.scalars | {key})
                continue
            relation = self._cte(cte, key, scope, bool(with_.args.get("recursive")))
            scope = replace(scope, ctes={**scope.ctes, key: relation})
        return scope

    def _cte(self, cte: exp.Expr, key: str, scope: Scope, is_recursive: bool) -> Relation:
        names = [
            scope.identifiers.spell(each) for each in cte.args["alias"].args.get("columns") or ()
        ]
        query = cte.this
        if not is_recursive or not isinstance(query, exp.SetOperation):
            return self.read(query, scope).rename_columns(names, scope.notes)
        relation = self.read(query.this, scope).rename_columns(names, scope.notes)
        for _ in range(_MOST_ROUNDS):
            before = relation
            around = replace(scope, ctes={**scope.ctes, key: before})
            relation = self.read(query, around).rename_columns(names, scope.notes)
            if relation == before:
                return relation
        scope.notes.is_lost = True
        return Relation()

    def _table(self, table: exp.Table, scope: Scope) -> Relation:
        scope.notes.mark_read(table)
        if not table.args.get("db") and isinstance(table.this, exp.Identifier):
            known = scope.ctes.get(scope.identifiers.key_of(table.this))
            if known is not None:
                return known
        found = self._find_table(table, scope)
        scope.notes.use([Need(found.table, Kind.ROWS)])
        return found

    def _select(self, select: exp.Select, scope: Scope) -> Relation:
        aliases_first = scope.identifiers.aliases_first
        scope = with_unread_aliases(select, scope) if aliases_first else scope
        scope, joined = self._sources.read(select, scope)
        scope = with_aliases(select, scope, self._expressions.value) if aliases_first else scope
        scope = self._with_windows(select, scope)
        relation, scope = self._select_list.read(select, scope)
        effects = [joined, self._origins_of_groups(select, relation, scope)]
        effects.append(self._origins_of_order(select, relation, scope))
        for clause in ("prewhere", "where", "having", "qualify"):
            if part := select.args.get(clause):
                effects.append(as_indirect(self._expressions.origins(part.this, scope), "FILTER"))
        effects += [self._distinct(select, relation, scope), self._origins_of_limit(select, scope)]
        return replace(relation, effects=merge(effects))

    def _distinct(self, select: exp.Select, relation: Relation, scope: Scope) -> Origins:
        distinct = select.args.get("distinct")
        if distinct is None:
            return NOTHING
        if on := distinct.args.get("on"):
            return as_indirect(self._expressions.origins(on, scope), "FILTER")
        scope.notes.need(relation.whole())
        scope.notes.use(relation.made_of())
        return relation.grouping()

    def _origins_of_limit(self, query: exp.Expr, scope: Scope) -> Origins:
        """Return the origins of LIMIT, with its BY, and OFFSET; they may contain queries."""
        limits = [query.args.get("limit"), query.args.get("offset")]
        given = [each.expression for each in limits if each is not None]
        given += limits[0].expressions if limits[0] is not None else []
        return as_indirect(self._expressions.all_origins(filter(None, given), scope), "FILTER")

    def _with_windows(self, select: exp.Select, scope: Scope) -> Scope:
        for window in select.args.get("windows") or ():
            key = scope.identifiers.key_of(window.this)
            frame = self._expressions.frame(window, scope)
            scope = replace(scope, windows={**scope.windows, key: frame})
        return scope

    def _origins_of_groups(self, select: exp.Select, relation: Relation, scope: Scope) -> Origins:
        group = select.args.get("group")
        if group is None:
            return NOTHING
        if group.args.get("all"):
            scope.notes.need(relation.whole())
            scope.notes.use(_made_of_keys(select, relation))
            # It does not group by what has an aggregate, a window or an unknown function.
            others = (exp.AggFunc, exp.Anonymous, exp.Window)
            by = [each for each in select.expressions if each.find(*others) is None]
            return as_indirect(self._expressions.all_origins(by, scope), "GROUP_BY")
        found = [self._by_place(each, relation, scope) for each in group.expressions]
        found += [self._expressions.origins(each, scope) for each in group.iter_expressions()]
        return as_indirect(merge(found), "GROUP_BY")

    def _origins_of_order(self, query: exp.Expr, relation: Relation, scope: Scope) -> Origins:
        """Return what a query is ordered by; its own columns win over those of its sources."""
        order = query.args.get("order")
        found: list[Origins] = []
        for each in order.expressions if order else ():
            by = each.this
            if isinstance(by, exp.Var):  # Of `order by all`.
                scope.notes.use(relation.made_of())
                found.append(relation.grouping())
            found.append(self._by_place(by, relation, scope))
            own = self._own_column(by, relation, scope)
            found.append(self._expressions.origins(by, scope) if own is None else own)
        return as_indirect(merge(found), "SORT")

    @staticmethod
    def _own_column(by: exp.Expr, relation: Relation, scope: Scope) -> Origins | None:
        if not isinstance(by, exp.Column) or by.args.get("table"):
            return None
        own = relation.find(scope.identifiers.key_of(by.this), scope.identifiers)
        if own is None:
            return None
        scope.notes.mark_read(by)
        return scope.use(own).origins

    @staticmethod
    def _by_place(by: exp.Expr, relation: Relation, scope: Scope) -> Origins:
        """Return the origins of the column that a number refers to, as in `ORDER BY 1`."""
        if not isinstance(by, exp.Literal) or not by.is_int or not relation.is_complete:
            return NOTHING
        place = int(by.name) - 1
        if place >= len(relation.fields):
            return NOTHING
        # The column is not named, so another one may come to stand in its place.
        own = relation.fields[place]
        counts = own.places.items()
        scope.notes.need(Need(table, Kind.FIRST, columns=count) for table, count in counts)
        scope.notes.use(own.made_of)
        return own.origins


def _made_of_keys(select: exp.Select, relation: Relation) -> Needs:
    """Return what the keys of GROUP BY ALL are made of: all columns that are not aggregates."""
    if len(relation.fields) != len(select.expressions):
        return relation.made_of()
    pairs = zip(select.expressions, relation.fields, strict=True)
    return NONE.union(*(own.made_of for each, own in pairs if adds_up(each) is not True))
