"""Resolve names at a place in a query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from floe_core.sql.columns.origins import Origins
from floe_core.sql.columns.relation import Field, Relation
from floe_core.sql.columns.structs import NO_VALUE, member_of, struct_of
from floe_core.sql.names import Identifiers

# Names that look like columns, but that a warehouse may read as a function or a system column.
_NOT_COLUMNS = frozenset(
    {
        *("user", "current_user", "session_user", "current_role", "current_catalog"),
        *("current_schema", "current_database", "current_date", "current_time"),
        *("current_timestamp", "localtime", "localtimestamp", "today", "rowid", "filename"),
        *("ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "oid"),
    }
)


@dataclass(frozen=True)
class Scope:
    """The sources of one SELECT by the keys of their names, its column aliases, and outer scopes.

    `merged` are the columns of USING: key -> origins. `aliases` are the columns named so far, or
    all those of the query. `scalars` are names of `WITH expression AS name`, which is also known in
    subqueries. `outer` is the query whose columns a subquery may use. `parameters` are those of a
    lambda, and the elements of ARRAY JOIN.
    """

    identifiers: Identifiers
    ctes: Mapping[str, Relation] = field(default_factory=dict)
    scalars: frozenset[str] = frozenset()
    outer: Scope | None = None
    sources: Mapping[str, Relation] = field(default_factory=dict)
    merged: Mapping[str, Origins] = field(default_factory=dict)
    aliases: Mapping[str, Field] = field(default_factory=dict)
    windows: Mapping[str, Origins] = field(default_factory=dict)
    parameters: Mapping[str, Field] = field(default_factory=dict)

    def with_aliases(self, aliases: Mapping[str, Field]) -> Scope:
        """Return the scope with these aliases."""
        return replace(self, aliases=aliases)

    def inside(self) -> Scope:
        """Return an empty scope for a subquery that may refer to this one."""
        return Scope(self.identifiers, self.ctes, self.scalars, outer=self)

    def beside(self) -> Scope:
        """Return an empty scope for a subquery beside this one: same CTEs and outer query."""
        return Scope(self.identifiers, self.ctes, self.scalars, outer=self.outer)

    def spelling(self, name: str) -> str:
        """Return a column's name as its source spells it, or the given name if unknown."""
        key = self.identifiers.key(name)
        for source in self.sources.values():
            for each in source.fields:
                if self.identifiers.key(each.name) == key:
                    return each.name
        return name

    def column(self, column: exp.Column) -> Field:
        """Return a column's value, without origins if its table is not certain."""
        parts = [self.identifiers.spell(part) for part in column.parts]
        if len(parts) == 1:
            is_quoted = bool(column.this.args.get("quoted"))
            return self.bare_field(parts[0], is_quoted=is_quoted)
        return self._find_qualified(parts)

    def is_row(self, column: exp.Column) -> bool:
        """Return whether an apparent column is a whole row of a source."""
        key = self.identifiers.key_of(column.this)
        owned = any(each.find(key, self.identifiers) for each in self.sources.values())
        return len(column.parts) == 1 and key in self.sources and not owned

    def bare(self, name: str, *, is_quoted: bool = False) -> Origins:
        """Return the origins of an unqualified column."""
        return self.bare_field(name, is_quoted=is_quoted).origins

    def bare_field(self, name: str, *, is_quoted: bool = False) -> Field:
        """Return the value of an unqualified column."""
        key = self.identifiers.key(name)
        if key in self.parameters:
            return self.parameters[key]
        if self.identifiers.aliases_first and key in self.aliases:
            return self.aliases[key]
        if key in self.scalars:
            return NO_VALUE
        if key in self.merged:
            return Field(name, self.merged[key])
        owners = [each.find(key, self.identifiers) for each in self.sources.values()]
        found = [owned for owned in owners if owned is not None]
        if found:
            return found[0] if len(found) == 1 else NO_VALUE
        if key in self.sources:
            return _row(self.sources[key])
        if key in _NOT_COLUMNS and not is_quoted:
            return NO_VALUE
        return self._unlisted_field(name, key)

    def _unlisted_field(self, name: str, key: str) -> Field:
        """Return the value of a column that no source is known to have."""
        candidates = [each for each in self.sources.values() if not each.is_complete]
        if not candidates:
            if key in self.aliases:
                return self.aliases[key]
            return self.outer.bare_field(name) if self.outer else NO_VALUE
        # It may also be an alias of this query, or a column of the outer query.
        if len(candidates) > 1 or key in self.aliases:
            return NO_VALUE
        if self.outer and not self.outer._surely_lacks(key):
            return NO_VALUE
        return Field(name, candidates[0].unlisted_origins(name, key))

    def _surely_lacks(self, key: str) -> bool:
        """Return whether a name certainly means nothing in this query and all outer ones."""
        if key in self.aliases or key in self.merged or key in self.sources:
            return False
        for source in self.sources.values():
            if not source.is_complete or source.known_origins(key, self.identifiers) is not None:
                return False
        return self.outer._surely_lacks(key) if self.outer else True

    def _find_qualified(self, parts: list[str]) -> Field:
        """Return the value of `table.column`, or of a struct member in a column."""
        for place, part in enumerate(parts[:-1]):
            source = self._source(self.identifiers.key(part))
            if source is None or self.identifiers.key(part) in self.parameters:
                continue
            if place and place < len(parts) - 2:
                return NO_VALUE
            owned = _of_source(source, parts[place + 1], self.identifiers)
            return member_of(owned, parts[place + 2 :], self.identifiers)
        if self.identifiers.puts_source_before and (whole := self._dotted(parts)) is not None:
            return whole
        whole = self.bare_field(parts[0], is_quoted=True)
        return member_of(whole, parts[1:], self.identifiers)

    def _dotted(self, parts: list[str]) -> Field | None:
        """Return the column whose name has dots in it, None if there is no such column."""
        key = self.identifiers.key(".".join(parts))
        owned = [each.find(key, self.identifiers) for each in self.sources.values()]
        found = [each for each in owned if each is not None]
        return found[0] if len(found) == 1 else None

    def _source(self, key: str) -> Relation | None:
        if key in self.sources:
            return self.sources[key]
        return self.outer._source(key) if self.outer else None


def _row(source: Relation) -> Field:
    """Return a whole row of a source as a struct of its columns; no value unless all are known."""
    return struct_of(source.fields) if source.is_complete else NO_VALUE


def _of_source(source: Relation, name: str, identifiers: Identifiers) -> Field:
    key = identifiers.key(name)
    known = source.find(key, identifiers)
    if known is not None:
        return known
    return NO_VALUE if key in _NOT_COLUMNS else Field(name, source.unlisted_origins(name, key))
