"""Resolve names at a place in a query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from floe_core.sql.columns.needs import Kind, Need, Notes, perhaps
from floe_core.sql.columns.origins import Origins
from floe_core.sql.columns.relation import NO_VALUE, Field, Relation, member_of, struct_of
from floe_core.sql.names import SYSTEM_COLUMNS, WORDS, Names


@dataclass(frozen=True)
class Scope:
    """The sources of one SELECT by the keys of their names, its column aliases, and outer scopes.

    `merged` are the columns of USING: key -> origins. `aliases` are the columns named so far, or
    all those of the query. `scalars` are names of `WITH expression AS name`, which is also known in
    subqueries. `outer` is the query whose columns a subquery may use. `parameters` are those of a
    lambda, and the elements of ARRAY JOIN. `has_siblings`: sources beside a subquery, which it may
    be able to read.
    """

    identifiers: Names
    ctes: Mapping[str, Relation] = field(default_factory=dict)
    scalars: frozenset[str] = frozenset()
    outer: Scope | None = None
    sources: Mapping[str, Relation] = field(default_factory=dict)
    merged: Mapping[str, Origins] = field(default_factory=dict)
    aliases: Mapping[str, Field] = field(default_factory=dict)
    windows: Mapping[str, Origins] = field(default_factory=dict)
    parameters: Mapping[str, Field] = field(default_factory=dict)
    has_siblings: bool = False
    notes: Notes = field(default_factory=Notes)

    def with_aliases(self, aliases: Mapping[str, Field]) -> Scope:
        """Return the scope with these aliases."""
        return replace(self, aliases=aliases)

    def inside(self) -> Scope:
        """Return an empty scope for a subquery that may refer to this one."""
        return Scope(self.identifiers, self.ctes, self.scalars, outer=self, notes=self.notes)

    def beside(self) -> Scope:
        """Return an empty scope for a subquery beside this one: same CTEs and outer query."""
        around = replace(self.inside(), outer=self.outer)
        return replace(around, has_siblings=self.has_siblings or bool(self.sources))

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
        self.notes.mark_read(column)
        parts = [self.identifiers.spell(part) for part in column.parts]
        if len(parts) > 1:
            return self._find_qualified(parts)
        is_quoted = bool(column.this.args.get("quoted"))
        self._note_unresolved(parts[0], is_quoted=is_quoted)
        return self.bare_field(parts[0], is_quoted=is_quoted)

    def _note_unresolved(self, name: str, *, is_quoted: bool) -> None:
        key = self.identifiers.key(name)
        if _is_other(key, is_quoted=is_quoted) or key in self.parameters or key in self.scalars:
            return
        if self._surely_lacks(key):
            if self.sources and not self.has_siblings:
                self.notes.unresolved.add(key)
            else:
                self.notes.is_lost = True

    def need_row(self, star: exp.Column) -> None:
        """Note that an expression has all columns of a table in it, as `hash(t.*)` has."""
        self.notes.mark_read(star)
        named = self._source(self.identifiers.key_of(star.args["table"]))
        for each in [named] if named else self.sources.values():
            self.use_rows(each)

    def need_for_star(self, table: str, key: str) -> None:
        """Note the need of a column that a star leaves out, replaces or renames."""
        sources = [self.sources[table]] if table in self.sources else [*self.sources.values()]
        owners = [each for each in sources if each.find(key, self.identifiers)] or sources
        if len(owners) == 1:
            self._of_source(owners[0], key)
        else:
            found = (each.find(key, self.identifiers) or each.unlisted(key, key) for each in owners)
            self.notes.need(perhaps(need for each in found for need in each.needs))

    def use_rows(self, source: Relation) -> None:
        """Note that whole rows of a source are read."""
        self.notes.need(source.row())
        self.notes.use(source.made_of())

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
            return self.use(self.aliases[key])
        if key in self.scalars:
            return NO_VALUE
        owners = [each for each in self.sources.values() if each.find(key, self.identifiers)]
        self.keep_out(key, owners)
        if key in self.aliases and (owners or key in self.merged):
            # Which of the two it is depends on the clause. Both count as used.
            self.use(self.aliases[key])
        if key in self.merged:
            return Field(name, self.merged[key])
        if owners:
            return self._owned(key, owners)
        if key in self.sources:
            source = self.sources[key]
            self.use_rows(source)
            return struct_of(source.fields) if source.is_complete else NO_VALUE
        if _is_other(key, is_quoted=is_quoted):
            self.notes.need(perhaps(self._unlisted_needs(name, key)))
            return NO_VALUE
        return self._unlisted_field(name, key)

    def keep_out(self, key: str, owners: Sequence[Relation] = ()) -> None:
        """Note that no source may get a new column of this name, except those that have it."""
        for each in self.sources.values():
            if not any(each is owner for owner in owners):
                self.notes.need(each.without(key))

    def _owned(self, key: str, owners: Sequence[Relation]) -> Field:
        found = [owned for each in owners if (owned := each.find(key, self.identifiers))]
        if len(found) == 1:
            return self.use(found[0])
        self.notes.need(perhaps(need for each in found for need in each.needs))
        return NO_VALUE

    def _unlisted_field(self, name: str, key: str) -> Field:
        """Return the value of a column that no source is known to have."""
        candidates = [each for each in self.sources.values() if not each.is_complete]
        if not candidates:
            own = self.use(self.aliases[key]) if key in self.aliases else None
            if self.outer is None or (own is not None and self.outer._surely_lacks(key)):
                return own or NO_VALUE
            # Which of the two it is depends on the clause. Both count as used.
            outer = self.outer.bare_field(name)
            return outer if own is None else NO_VALUE
        # It may also be an alias of this query, or a column of the outer query.
        is_outer = self.outer is not None and not self.outer._surely_lacks(key)
        if len(candidates) > 1 or key in self.aliases or is_outer:
            self.notes.need(perhaps(self._unlisted_needs(name, key)))
            if self.outer and is_outer:
                self.outer.note_perhaps(name, key)
            return NO_VALUE
        return self.use(candidates[0].unlisted(name, key))

    def use(self, field: Field) -> Field:
        """Note that a column is read, and return it."""
        self.notes.need(field.needs)
        self.notes.use(field.made_of)
        return field

    def note_perhaps(self, name: str, key: str) -> None:
        """Note that a name in a subquery may be a column of this query, or of one around it."""
        found = [each.find(key, self.identifiers) for each in self.sources.values()]
        self.notes.need(perhaps(need for each in found if each for need in each.needs))
        self.notes.need(perhaps(self._unlisted_needs(name, key)))
        if self.outer:
            self.outer.note_perhaps(name, key)

    def _unlisted_needs(self, name: str, key: str) -> set[Need]:
        return {need for each in self.sources.values() for need in each.unlisted(name, key).needs}

    def _surely_lacks(self, key: str) -> bool:
        """Return whether a name certainly means nothing in this query and all outer ones."""
        if key in self.aliases or key in self.merged or key in self.sources:
            return False
        for source in self.sources.values():
            if not source.is_complete or source.find(key, self.identifiers) is not None:
                return False
        return self.outer._surely_lacks(key) if self.outer else True

    def _find_qualified(self, parts: list[str]) -> Field:
        """Return the value of `table.column`, or of a struct member in a column."""
        for place, part in enumerate(parts[:-1]):
            source = self._source(self.identifiers.key(part))
            if source is None or self.identifiers.key(part) in self.parameters:
                continue
            if place and place < len(parts) - 2:
                self.notes.is_lost = True
                return NO_VALUE
            owned = self._of_source(source, parts[place + 1])
            return member_of(owned, parts[place + 2 :], self.identifiers)
        if self.identifiers.puts_source_before and (whole := self._dotted(parts)) is not None:
            return self.use(whole)
        first, last = self.identifiers.key(parts[0]), self.identifiers.key(parts[-1])
        is_owned = any(each.find(first, self.identifiers) for each in self.sources.values())
        # DuckDB reads `schema.table` as a whole row.
        if self._surely_lacks(first) or (not is_owned and self._source(last) is not None):
            self.notes.is_lost = True
        whole = self.bare_field(parts[0], is_quoted=True)
        return member_of(whole, parts[1:], self.identifiers)

    def _of_source(self, source: Relation, name: str) -> Field:
        key = self.identifiers.key(name)
        found = source.find(key, self.identifiers)
        if found is None and _is_other(key, is_quoted=False):
            self.notes.need(perhaps(source.unlisted(name, key).needs))
            return NO_VALUE
        if found is None and source.is_complete:
            if source.table:
                # Its columns are all known, and this is none of them.
                self.notes.need([Need(source.table, Kind.COLUMN, key)])
            else:
                self.notes.unresolved.add(key)
        return self.use(found or source.unlisted(name, key))

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


def _is_other(key: str, *, is_quoted: bool) -> bool:
    """Return whether a warehouse may read a name that no source is known to have otherwise."""
    return key.lower() in SYSTEM_COLUMNS or (key.lower() in WORDS and not is_quoted)
