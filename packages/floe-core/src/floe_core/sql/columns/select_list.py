"""Derive the columns of a select list, with stars expanded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sqlglot import exp

from floe_core.sql.columns.aggregates import adds_up
from floe_core.sql.columns.column_names import (
    SELECTED,
    name_from,
    name_of,
    own_pattern,
    select_names,
)
from floe_core.sql.columns.expressions import ExpressionReader
from floe_core.sql.columns.needs import Kind, Notes, own_code
from floe_core.sql.columns.relation import (
    NO_VALUE,
    Field,
    Relation,
    element_of,
    flatten,
    merge_places,
)
from floe_core.sql.columns.scope import Scope
from floe_core.sql.columns.sources import identifier_of

# In a select list, these may change the number of rows.
_ROW_CHANGING = (exp.UDTF, exp.Explode, exp.Posexplode, exp.GenerateSeries, exp.Anonymous)


@dataclass
class _SelectList:
    """The columns so far. `is_doubtful`: the next one may share its name with an unknown column.

    `named` are the keys of columns that no star brings, `brought` those that stars do, by source.
    """

    fields: list[Field] = field(default_factory=list)
    aliases: dict[str, Field] = field(default_factory=dict)
    names: dict[str, Field] = field(default_factory=dict)
    is_doubtful: bool = False
    starred: list[Relation] = field(default_factory=list)
    hidden: frozenset[str] = frozenset()
    named: set[str] = field(default_factory=set)
    brought: list[tuple[Relation, set[str]]] = field(default_factory=list)

    def add(self, name: str, value: Field, scope: Scope) -> None:
        """Add a column under a name that no other has, "" if that name is unknown."""
        identifiers = scope.identifiers
        if (first := self.names.get(identifiers.key(name))) is not None:
            # Without one of the two, the other has another name.
            scope.notes.has_twins = True
            scope.notes.need(value.needs | first.needs)
            name = "" if self.is_doubtful else identifiers.rename(name, self.names)
        self.names[identifiers.key(name)] = value
        self.fields.append(replace(value, name=name))

    def bring(self, name: str, value: Field, scope: Scope) -> None:
        """Add a column of the source that the star comes to last."""
        if self.brought:
            self.brought[-1][1].add(scope.identifiers.key(name))
        self.add(name, value, scope)

    def keep_apart(self, notes: Notes) -> None:
        """Note that no source of a star may get a column whose name another column has."""
        for place, (source, _) in enumerate(self.brought):
            others = [keys for at, (_, keys) in enumerate(self.brought) if at != place]
            for key in self.named.union(*others):
                notes.need(source.without(key))


class SelectListReader:
    """Reads select lists."""

    def __init__(self, expressions: ExpressionReader) -> None:
        self._expressions = expressions

    def read(self, select: exp.Select, scope: Scope) -> tuple[Relation, Scope]:
        """Return the columns, and the scope in which their aliases can be used."""
        listed = _SelectList()
        for projection in select.expressions:
            star, table = _star(projection, scope)
            star = None if star is not None and star.args.get("ilike") else star
            if isinstance(projection, exp.Column) and star is not None:
                scope.notes.mark_read(projection)
            if star is not None and (members := _members(table, scope)):
                for member in members:
                    listed.add(member.name, member, scope)
            elif star is not None:
                self._add_star(listed, star, table, scope)
            else:
                self._add(listed, projection, scope)
                if not scope.identifiers.aliases_first:
                    scope = scope.with_aliases(dict(listed.aliases))
        listed.keep_apart(scope.notes)
        return _relation(listed), scope

    def _add(self, listed: _SelectList, projection: exp.Expr, scope: Scope) -> None:
        pattern = own_pattern(projection)
        if pattern is not None and self._add_selected(listed, projection, pattern, scope):
            return
        value = self._named_value(projection, scope)
        spread = self._spread_value(projection, scope)
        if spread is not None:
            for member in spread:
                listed.add(member.name, replace(member, made_of=value.made_of), scope)
            return
        if pattern is not None or _gives_many(projection):
            scope.notes.use(value.made_of)
            listed.is_doubtful = True
            listed.starred += [Relation(), Relation()]
            return
        name = name_of(projection, scope)
        key = scope.identifiers.key(name)
        if isinstance(projection, exp.Alias):
            listed.aliases.setdefault(key, value)
        if name:
            listed.named.add(key)
            listed.add(name, value, scope)
        else:
            listed.fields.append(replace(value, name=""))

    def _add_selected(
        self, listed: _SelectList, projection: exp.Expr, pattern: exp.Expr, scope: Scope
    ) -> bool:
        """Add the columns that a pattern selects by name; return whether these are certain."""
        star = pattern.find(exp.Star) or exp.Star()
        _, table = _star(star.parent or star, scope)
        names = _selected_names(projection, pattern, table, scope)
        if names is None:
            return False
        scope.notes.mark_read(*pattern.find_all(exp.Column))
        for each in star.args.get("except_") or ():
            scope.need_for_star(table, scope.identifiers.key_of(identifier_of(each)))
        for source in scope.sources.values() if projection.alias else ():
            scope.notes.need(source.whole())
        for column, own_name, _ in _spread(listed, table, scope):
            if column.name in names:
                scope.notes.need(column.needs)  # The pattern must go on to select one.
                value = self._selected_value(projection, pattern, column, scope)
                name = names[column.name] if projection.alias else own_name
                if projection.alias:
                    listed.aliases.setdefault(scope.identifiers.key(name), value)
                listed.bring(name, value, scope)
        return True

    def _selected_value(
        self, projection: exp.Expr, pattern: exp.Expr, column: Field, scope: Scope
    ) -> Field:
        """Return what a projection makes of a column that its pattern selects."""
        if pattern is projection.unalias():
            return replace(column, made_of=column.made_of | own_code(projection))
        bound = replace(scope, parameters={**scope.parameters, SELECTED: column})
        return replace(self._named_value(projection, bound), places=column.places)

    def _named_value(self, expression: exp.Expr, scope: Scope) -> Field:
        """Return a value that stays where it is, whatever comes before its column in a table."""
        with scope.notes.reading_part() as used:
            value = self._expressions.value(expression, scope)
        code = own_code(expression)
        if code and (expression.find(*_ROW_CHANGING) or adds_up(expression) is None):
            scope.notes.use(code.union(used))
        return replace(value, places={}, made_of=code.union(used))

    def _spread_value(self, projection: exp.Expr, scope: Scope) -> list[Field] | None:
        """Return the columns that a projection expands to; None if it is one column or unknown."""
        spread = projection.unalias()
        if not isinstance(spread, exp.Explode):
            return None
        value = self._expressions.value(spread.this, scope)
        is_recursive = len(spread.expressions) > 0
        if is_recursive and value.lists:
            value = element_of(value)
        if not value.members or value.lists:
            return None
        return flatten(value) if is_recursive else list(value.members)

    def _add_star(self, listed: _SelectList, star: exp.Star, table: str, scope: Scope) -> None:
        key_of = scope.identifiers.key_of
        for each in [*(star.args.get("except_") or ()), *(star.args.get("rename") or ())]:
            scope.notes.mark_read(*each.find_all(exp.Column))
        excluded = {key_of(identifier_of(each)) for each in star.args.get("except_") or ()}
        replaced = {
            key_of(each.args["alias"]): replace(
                self._expressions.value(each.this, scope), places={}
            )
            for each in star.args.get("replace") or ()
        }
        renamed = {
            key_of(identifier_of(each.this)): scope.identifiers.spell(each.args["alias"])
            for each in star.args.get("rename") or ()
        }
        handled = excluded | set(replaced) | set(renamed)
        for key in handled:
            scope.need_for_star(table, key)
        for column, own_name, is_doubtful in _spread(listed, table, scope):
            key = scope.identifiers.key(column.name)
            if key in excluded:
                continue
            if any(need.kind is Kind.FIRST for need in column.needs):
                # The name stays without the column, and gets the values of another one.
                scope.notes.need(column.needs)
            value = replace(NO_VALUE, needs=column.needs, made_of=column.made_of)
            value = value if is_doubtful else column
            name = renamed.get(key, own_name)
            listed.bring(name, replaced.get(key, value), scope)
        is_known = all(each.is_complete for each in scope.sources.values())
        for key, name in renamed.items() if not is_known else ():
            self._add_unlisted(listed, name, _unlisted_field(scope, table, key), scope)
        for each in star.args.get("replace") or ():
            name = scope.identifiers.spell(each.args["alias"])
            self._add_unlisted(listed, name, replaced[scope.identifiers.key(name)], scope)
        listed.hidden |= handled

    @staticmethod
    def _add_unlisted(listed: _SelectList, name: str, value: Field, scope: Scope) -> None:
        """Add a column that RENAME or REPLACE of a star names, though its table is not known."""
        if scope.identifiers.key(name) not in listed.names:
            listed.add(name, value, scope)


def _selected_names(
    projection: exp.Expr, pattern: exp.Expr, table: str, scope: Scope
) -> dict[str, str] | None:
    """Return column -> its name, of those that a pattern selects; None if that is not certain."""
    sources = list(scope.sources.values())
    columns = [column.name for source in sources for column in source.fields]
    is_known = all(columns) and all(each.is_complete for each in sources)
    is_of_duckdb = pattern is projection or not scope.identifiers.puts_source_before
    if table not in {"", *scope.sources} or not (is_known and is_of_duckdb):
        return None
    return select_names(pattern, columns, projection.alias)


def _spread(listed: _SelectList, table: str, scope: Scope) -> Iterable[tuple[Field, str, bool]]:
    """Yield the columns that a star expands to, their names, and whether origins are doubtful."""
    used: set[str] = set()
    if scope.identifiers.using_first and not table:
        for key, origins in scope.merged.items():
            used.add(key)
            yield Field(key, origins), key, False
    for origin in [table] if table else scope.sources:
        source = scope.sources.get(origin, Relation())
        is_doubtful = listed.is_doubtful
        listed.brought.append((source, set()))
        places: dict[str, int] = {}
        for column in source.fields:
            key = scope.identifiers.key(column.name)
            places = merge_places([places, column.places])
            if table or key not in scope.merged:
                brought = replace(column, places=places)
                yield brought, name_from(origin, column.name, scope), is_doubtful
            elif key not in used:
                used.add(key)
                yield Field(column.name, scope.merged[key]), column.name, False
        listed.starred.append(source)
        listed.is_doubtful = is_doubtful or not source.is_complete


def _members(table: str, scope: Scope) -> tuple[Field, ...]:
    """Return the members of the struct that `name.*` expands; () if the name is a table."""
    if not table or table in scope.sources:
        return ()
    struct = scope.bare_field(table, is_quoted=True)
    return () if struct.lists else struct.members


def _unlisted_field(scope: Scope, table: str, key: str) -> Field:
    sources = [scope.sources[table]] if table in scope.sources else list(scope.sources.values())
    return sources[0].unlisted(key, key) if len(sources) == 1 else NO_VALUE


def _relation(listed: _SelectList) -> Relation:
    made = Relation(
        tuple(listed.fields),
        all(each.is_complete for each in listed.starred),
        spread=frozenset().union(*(each.spread for each in listed.starred)),
        is_by_name=any(each.is_by_name for each in listed.starred),
    )
    if made.is_complete or len(listed.starred) > 1:
        return made
    only = listed.starred[0]
    return replace(made, rest=only.rest, hidden=only.hidden | listed.hidden)


def _star(projection: exp.Expr, scope: Scope) -> tuple[exp.Star | None, str]:
    """Return a projection's star, None if it is not one, and its table's key, "" for all tables."""
    if isinstance(projection, exp.Star):
        return projection, ""
    if isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star):
        return projection.this, scope.identifiers.key_of(projection.args["table"])
    return None, ""


def _gives_many(projection: exp.Expr) -> bool:
    """Return whether it may be the columns of a spread struct."""
    value = projection.unalias()
    if isinstance(value, exp.Column | exp.Literal):
        return False
    if isinstance(value, exp.Explode | exp.Unnest):
        return not isinstance(projection, exp.Alias) or len(value.expressions) > 0
    return isinstance(value, exp.Anonymous) and value.name.lower() == "untuple"
