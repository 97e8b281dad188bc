"""The aliases of a query in a warehouse where an alias means its expression everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from floe_core.sql.columns.relation import Field
from floe_core.sql.columns.scope import Scope
from floe_core.sql.columns.structs import NO_VALUE

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
