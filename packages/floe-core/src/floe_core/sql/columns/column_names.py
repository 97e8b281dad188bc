"""The names that a query gives to its columns, and the columns that patterns of names select."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable

from sqlglot import exp

from floe_core.sql.columns.scope import Scope


def name_of(projection: exp.Expr, scope: Scope) -> str:
    """Return the name of a projection, "" if it has none of its own or it is unknown."""
    if isinstance(projection, exp.Alias):
        return scope.identifiers.spell(projection.args["alias"])
    value = projection.unnest()
    if not isinstance(value, exp.Column) or not isinstance(value.this, exp.Identifier):
        return ""
    parts = [scope.identifiers.spell(part) for part in value.parts]
    if len(parts) == 1 or not scope.identifiers.puts_source_before:
        return scope.spelling(parts[-1])
    if parts[-2] in scope.sources:
        return name_from(parts[-2], parts[-1], scope)
    return ".".join(parts[1:] if parts[0] in scope.sources else parts)


def name_from(source: str, name: str, scope: Scope) -> str:
    """Return the name in the result of a source's column, "" if it is unknown.

    ClickHouse puts the source before it if another source has such a column, or if it is an alias;
    but not for the first of two sources.
    """
    if not scope.identifiers.puts_source_before:
        return name
    key = scope.identifiers.key(name)
    others = [relation for each, relation in scope.sources.items() if each != source]
    is_first_of_two = len(others) == 1 and source == next(iter(scope.sources))
    is_shared = any(each.find(key, scope.identifiers) for each in others) and not is_first_of_two
    if is_shared or key in scope.aliases:
        return "" if source.startswith("#") else f"{source}.{name}"
    is_certain = is_first_of_two or all(each.is_complete for each in others)
    return name if is_certain else ""


# The parameter that COLUMNS(...) stands for while one of its columns is read.
SELECTED = "#selected"
# Python reads these otherwise than RE2 does.
_UNLIKE_RE2 = re.compile(r"\[\[|\[:|--|&&|~~|\|\||\{,|\\[^dwsbDWSB\W]")


def own_pattern(projection: exp.Expr) -> exp.Expr | None:
    """Return the part of a projection that makes several columns of it, None if there is none."""
    value = star = projection.unalias()
    while isinstance(star, exp.Not | exp.Binary | exp.Apply | exp.Column | exp.Paren | exp.All):
        star = star.this
    if isinstance(star, exp.Star):
        return value
    found = (c for c in projection.find_all(exp.Columns) if not c.args.get("unpack"))
    return next((c for c in found if c.parent_select is projection.parent_select), None)


def select_names(pattern: exp.Expr, names: Iterable[str], alias: str = "") -> dict[str, str] | None:
    r"""Return name -> its name in the result, of the columns that a pattern surely selects.

    In an alias, `\0` is the column's name, and `\1` a group of the pattern. None: it is not sure.
    """
    star = pattern.find(exp.Star) or exp.Star()
    if star.args.get("replace") or star.args.get("rename"):
        return None
    left_out = [each.name.lower() for each in star.args.get("except_") or ()]
    try:
        chosen = [n for n in names if n.lower() not in left_out and _selects(pattern, n)]
        return {name: _rename(alias or r"\0", pattern, name) for name in chosen}
    except (ValueError, LookupError, re.error):
        return None


def _rename(alias: str, pattern: exp.Expr, name: str) -> str:
    is_regex = isinstance(pattern.this, exp.Literal)
    found = _regex(pattern.name).search(name) if is_regex else None
    groups = (name, *(found.groups("") if found else ()))
    return re.sub(r"\\(\d)", lambda group: groups[int(group[1])], alias)


def _selects(test: exp.Expr, name: str) -> bool:
    """Return whether a pattern selects a column of this name.

    Raises:
        ValueError: That is not certain.
    """
    if isinstance(test, exp.Columns | exp.Lambda | exp.Paren | exp.All | exp.Column):
        return _selects(test.this, name)
    if isinstance(test, exp.Not):
        return not _selects(test.this, name)
    if isinstance(test, exp.And | exp.Or):
        both = [_selects(test.this, name), _selects(test.expression, name)]
        return all(both) if isinstance(test, exp.And) else any(both)
    if isinstance(test, exp.Star):
        like = test.args.get("ilike")
        return like is None or _is_like(name.lower(), _text(like, name).lower())
    if isinstance(test, exp.Array):
        return name.lower() in [_text(each, name).lower() for each in test.expressions]
    if isinstance(test, exp.In) and test.expressions:
        return _text(test.this, name) in [_text(each, name) for each in test.expressions]
    if isinstance(test, exp.Literal) and test.is_string:
        return _regex(test.name).search(name) is not None
    compare = _COMPARISONS.get(type(test))
    if compare is None:
        raise ValueError(test)
    is_so = compare(_text(test.this, name), _text(test.expression, name))
    return bool(is_so) != bool(test.args.get("negate"))


def _text(value: exp.Expr, name: str) -> str:
    """Return the text of a literal, or the name that a lambda's parameter or a `*` stands for."""
    if isinstance(value, exp.Identifier) or value.is_star:
        return name
    if isinstance(value, exp.Lower):
        return _text(value.this, name).lower()
    if value.is_string:
        return value.name
    raise ValueError(value)


def _regex(pattern: str) -> re.Pattern[str]:
    if not pattern.isascii() or _UNLIKE_RE2.search(pattern):
        raise ValueError(pattern)
    return re.compile(pattern, re.ASCII)


def _is_like(name: str, pattern: str, wild: str = "%_") -> bool:
    if "\\" in pattern or "[" in pattern:  # An escape in some warehouses, a set in a GLOB.
        raise ValueError(pattern)
    parts = {wild[0]: ".*", wild[1]: "."}
    return bool(re.fullmatch("".join(parts.get(c, re.escape(c)) for c in pattern), name, re.DOTALL))


_COMPARISONS: dict[type[exp.Expr], Callable[[str, str], object]] = {
    exp.EQ: operator.eq,
    exp.NEQ: operator.ne,
    exp.Like: _is_like,
    exp.ILike: lambda name, pattern: _is_like(name.lower(), pattern.lower()),
    exp.Glob: lambda name, pattern: _is_like(name, pattern, "*?"),
    exp.SimilarTo: lambda name, pattern: _regex(pattern).fullmatch(name),
    exp.StartsWith: str.startswith,
    exp.EndsWith: str.endswith,
    exp.Contains: operator.contains,
}
