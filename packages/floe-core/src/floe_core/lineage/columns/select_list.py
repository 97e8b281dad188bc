"""What columns the list of a SELECT gives, its stars spread."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sqlglot import exp

from floe_core.lineage.columns.expressions import ExpressionReader
from floe_core.lineage.columns.origins import NOTHING, Origins
from floe_core.lineage.columns.relation import Field, Relation
from floe_core.lineage.columns.scope import Scope


@dataclass
class _SelectList:
    """The columns so far. `is_doubtful`: one not known, of the same name, may be before them."""

    fields: list[Field] = field(default_factory=list)
    aliases: dict[str, Origins] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    is_doubtful: bool = False
    starred: list[Relation] = field(default_factory=list)
    hidden: frozenset[str] = frozenset()

    def add(self, name: str, key: str, origins: Origins) -> None:
        # Of two columns of one name the warehouse names the second anew, if it takes both at all.
        is_taken = key in self.names
        self.names.add(key)
        self.fields.append(Field("" if is_taken else name, origins))


class SelectListReader:
    """Reads the lists of SELECTs."""

    def __init__(self, expressions: ExpressionReader) -> None:
        self._expressions = expressions

    def read(self, select: exp.Select, scope: Scope) -> tuple[Relation, Scope]:
        """Return the columns, and the scope in which their names may be used."""
        listed = _SelectList()
        for projection in select.expressions:
            star, table = _star(projection, scope)
            if star is not None:
                self._add_star(listed, star, table, scope)
            else:
                self._add(listed, projection, scope)
                scope = scope.naming(dict(listed.aliases))
        return _relation(listed), scope

    def _add(self, listed: _SelectList, projection: exp.Expr, scope: Scope) -> None:
        if _gives_many(projection):
            listed.is_doubtful = True
            listed.starred += [Relation(), Relation()]
            return
        name = _name(projection, scope)
        key = scope.identifiers.key(name)
        origins = self._expressions.origins(projection, scope)
        if isinstance(projection, exp.Alias):
            listed.aliases.setdefault(key, origins)
        if name:
            listed.add(name, key, origins)
        else:
            listed.fields.append(Field("", origins))

    def _add_star(self, listed: _SelectList, star: exp.Star, table: str, scope: Scope) -> None:
        key_of = scope.identifiers.key_of
        excluded = {key_of(_identifier(each)) for each in star.args.get("except_") or ()}
        replaced = {
            key_of(each.args["alias"]): self._expressions.origins(each.this, scope)
            for each in star.args.get("replace") or ()
        }
        renamed = {
            key_of(_identifier(each.this)): scope.identifiers.spelled(each.args["alias"])
            for each in star.args.get("rename") or ()
        }
        for column, is_doubtful in _spread(listed, table, scope):
            key = scope.identifiers.key(column.name)
            if key in excluded:
                continue
            origins = NOTHING if is_doubtful else column.origins
            name = renamed.get(key, column.name)
            listed.add(name, scope.identifiers.key(name), replaced.get(key, origins))
        for key, name in renamed.items():
            self._add_unlisted(
                listed, name, scope.identifiers.key(name), _unlisted(scope, table, key)
            )
        for each in star.args.get("replace") or ():
            name = scope.identifiers.spelled(each.args["alias"])
            self._add_unlisted(
                listed, name, key_of(each.args["alias"]), replaced[scope.identifiers.key(name)]
            )
        listed.hidden |= excluded | set(replaced) | set(renamed)

    @staticmethod
    def _add_unlisted(listed: _SelectList, name: str, key: str, origins: Origins) -> None:
        """Add a column that the star's own words tell of, though its table is not known."""
        if key not in listed.names:
            listed.add(name, key, origins)


def _spread(listed: _SelectList, table: str, scope: Scope) -> Iterable[tuple[Field, bool]]:
    """Yield the columns that a star stands for, each with whether it may be another one's."""
    used: set[str] = set()
    if scope.identifiers.using_first and not table:
        for key, origins in scope.merged.items():
            used.add(key)
            yield Field(key, origins), False
    for source in [scope.sources.get(table, Relation())] if table else scope.sources.values():
        is_doubtful = listed.is_doubtful
        for column in source.fields:
            key = scope.identifiers.key(column.name)
            if table or key not in scope.merged:
                yield column, is_doubtful
            elif key not in used:
                used.add(key)
                yield Field(column.name, scope.merged[key]), False
        listed.starred.append(source)
        listed.is_doubtful = is_doubtful or not source.is_complete


def _unlisted(scope: Scope, table: str, key: str) -> Origins:
    sources = [scope.sources[table]] if table in scope.sources else list(scope.sources.values())
    return sources[0].unlisted(key, key) if len(sources) == 1 else NOTHING


def _relation(listed: _SelectList) -> Relation:
    fields = tuple(listed.fields)
    if all(each.is_complete for each in listed.starred):
        return Relation(fields, True)
    only = listed.starred[0]
    if len(listed.starred) > 1:
        return Relation(fields)
    return replace(only, fields=fields, hidden=only.hidden | listed.hidden, effects=NOTHING)


def _star(projection: exp.Expr, scope: Scope) -> tuple[exp.Star | None, str]:
    """Return the star that a projection is, and the key of its table, "" for all of them."""
    if isinstance(projection, exp.Star):
        return projection, ""
    if isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star):
        return projection.this, scope.identifiers.key_of(projection.args["table"])
    return None, ""


def _gives_many(projection: exp.Expr) -> bool:
    """Return whether it may be several columns: COLUMNS(...), `* LIKE`, UNNEST of a struct."""
    value = projection.unalias()
    if isinstance(value, exp.Column | exp.Literal):
        return False
    if isinstance(value, exp.Explode | exp.Unnest):
        return not isinstance(projection, exp.Alias) or len(value.expressions) > 0
    is_pattern = isinstance(value, exp.Binary) and isinstance(value.this, exp.Star)
    return is_pattern or projection.find(exp.Columns) is not None


def _name(projection: exp.Expr, scope: Scope) -> str:
    if isinstance(projection, exp.Alias):
        return scope.identifiers.spelled(projection.args["alias"])
    value = projection.unnest()
    is_named = isinstance(value, exp.Column) and isinstance(value.this, exp.Identifier)
    return scope.spelling(scope.identifiers.spelled(value.this)) if is_named else ""


def _identifier(name: exp.Expr) -> exp.Expr:
    return name if isinstance(name, exp.Identifier) else name.this
