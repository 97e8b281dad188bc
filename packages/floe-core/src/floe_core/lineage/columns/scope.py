"""What a name means at a place in a query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from floe_core.lineage.columns.identifiers import Identifiers
from floe_core.lineage.columns.origins import NOTHING, TRANSFORMATION, Origins, changed
from floe_core.lineage.columns.relation import Relation

# What a warehouse may read as a function or a column of its own though it looks like a column.
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
    """The sources of one SELECT by the keys of their names, its names for columns, and what is
    around it.

    `merged` are columns of USING: key -> origins. `aliases` are the columns it has named so far.
    `outer` is the query that a subquery may take columns from.
    """

    identifiers: Identifiers
    ctes: Mapping[str, Relation] = field(default_factory=dict)
    outer: Scope | None = None
    sources: Mapping[str, Relation] = field(default_factory=dict)
    merged: Mapping[str, Origins] = field(default_factory=dict)
    aliases: Mapping[str, Origins] = field(default_factory=dict)
    windows: Mapping[str, Origins] = field(default_factory=dict)
    parameters: frozenset[str] = frozenset()

    def naming(self, aliases: Mapping[str, Origins]) -> Scope:
        """Return the scope in which columns have been named."""
        return replace(self, aliases=aliases)

    def inside(self) -> Scope:
        """Return the empty scope of a subquery that may refer to this one."""
        return Scope(self.identifiers, self.ctes, outer=self)

    def beside(self) -> Scope:
        """Return the empty scope of a subquery that sees the same common table expressions only."""
        return Scope(self.identifiers, self.ctes, outer=self.outer)

    def spelling(self, name: str) -> str:
        """Return a column's name as its source spells it, where that is known."""
        key = self.identifiers.key(name)
        for source in self.sources.values():
            for each in source.fields:
                if self.identifiers.key(each.name) == key:
                    return each.name
        return name

    def column(self, column: exp.Column) -> Origins:
        """Return the origins of a column, none where it cannot be told for sure whose it is."""
        parts = [self.identifiers.spelled(part) for part in column.parts]
        if len(parts) == 1:
            is_quoted = bool(column.this.args.get("quoted"))
            return self.bare(parts[0], is_quoted=is_quoted)
        return self._qualified(parts)

    def bare(self, name: str, *, is_quoted: bool = False) -> Origins:
        """Return the origins of a column that is named without its table."""
        key = self.identifiers.key(name)
        if key in self.parameters:
            return NOTHING
        if key in self.merged:
            return self.merged[key]
        owners = [each.known(key, self.identifiers) for each in self.sources.values()]
        found = [origins for origins in owners if origins is not None]
        if found:
            return found[0] if len(found) == 1 else NOTHING
        if key in self.sources or (key in _NOT_COLUMNS and not is_quoted):
            return NOTHING
        return self._not_listed(name, key)

    def _not_listed(self, name: str, key: str) -> Origins:
        """Return the origins of a column that no source is known to have."""
        candidates = [each for each in self.sources.values() if not each.is_complete]
        if not candidates:
            if key in self.aliases:
                return self.aliases[key]
            return self.outer.bare(name) if self.outer else NOTHING
        # It may as well be a column named in this query, or one of the query around it.
        if len(candidates) > 1 or key in self.aliases:
            return NOTHING
        if self.outer and not self.outer._surely_lacks(key):
            return NOTHING
        return candidates[0].unlisted(name, key)

    def _surely_lacks(self, key: str) -> bool:
        """Return whether neither this query nor one around it can mean anything by a name."""
        if key in self.aliases or key in self.merged or key in self.sources:
            return False
        for source in self.sources.values():
            if not source.is_complete or source.known(key, self.identifiers) is not None:
                return False
        return self.outer._surely_lacks(key) if self.outer else True

    def _qualified(self, parts: list[str]) -> Origins:
        """Return the origins of `table.column`, or of a field of a struct in one."""
        for place, part in enumerate(parts[:-1]):
            source = self._source(self.identifiers.key(part))
            if source is None:
                continue
            if place and place < len(parts) - 2:
                return NOTHING
            origins = _of_source(source, parts[place + 1], self.identifiers)
            is_whole_column = place == len(parts) - 2
            return origins if is_whole_column else changed(origins, TRANSFORMATION)
        return changed(self.bare(parts[0], is_quoted=True), TRANSFORMATION)

    def _source(self, key: str) -> Relation | None:
        if key in self.sources:
            return self.sources[key]
        return self.outer._source(key) if self.outer else None


def _of_source(source: Relation, name: str, identifiers: Identifiers) -> Origins:
    key = identifiers.key(name)
    known = source.known(key, identifiers)
    if known is not None:
        return known
    return NOTHING if key in _NOT_COLUMNS else source.unlisted(name, key)
