"""The cron dialect: the expressions that every scheduler reads alike; the rest is refused."""

from __future__ import annotations

from functools import lru_cache

from floe_core.schedules.cron_expression import DAY_OF_MONTH, DAY_OF_WEEK, FIELDS, CronExpression

SHORTHANDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_OTHER_SHORTHANDS = {
    "@quarterly": "0 0 1 */3 *",
    "@minutely": "* * * * *",
    "@every_minute": "* * * * *",
}
_LONGEST_MONTHS = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@lru_cache(maxsize=1024)
def parse_cron(expr: str) -> CronExpression:
    """Return the parsed expression.

    >>> parse_cron("30 2 * * MON-FRI").hours
    (2,)

    Raises:
        ValueError: It is not in the dialect; the error says why and what to write instead.
    """
    try:
        return _read(expr)
    except ValueError as error:
        raise ValueError(f"cron expression {expr!r}: {error}") from None


def _read(expr: str) -> CronExpression:
    if expr.startswith("@"):
        return _read_fields(expr, _shorthand(expr).split(" "))
    return _read_fields(expr, _split(expr))


def _shorthand(expr: str) -> str:
    if expr in SHORTHANDS:
        return SHORTHANDS[expr]
    if expr.lower() in SHORTHANDS:
        raise ValueError(f"shorthands are in lower case; write {expr.lower()}")
    if expr in _OTHER_SHORTHANDS:
        raise ValueError(f"no such shorthand; write {_OTHER_SHORTHANDS[expr]}")
    raise ValueError(f"no such shorthand; write five fields or one of {', '.join(SHORTHANDS)}")


def _split(expr: str) -> list[str]:
    fields = expr.split()
    if not fields:
        raise ValueError("it is empty; write five fields such as 0 6 * * *")
    if not expr.isascii():
        raise ValueError("it has characters beyond ASCII; write digits 0-9 and plain spaces")
    if len(fields) == len(FIELDS) and expr != " ".join(fields):
        raise ValueError(f"fields are parted by single spaces; write {' '.join(fields)}")
    if fields != expr.split(" ") and " ".join(fields) in SHORTHANDS:
        raise ValueError(f"it has spaces around it; write {' '.join(fields)}")
    if len(fields) != len(FIELDS):
        raise ValueError(
            f"it has {_format_count(len(fields))}; write five: minute, hour, day of month, month, "
            "day of week (no seconds, no year)"
        )
    return fields


def _format_count(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"


def _read_fields(expr: str, texts: list[str]) -> CronExpression:
    minutes, hours, days, months, weekdays = (
        field.read(text) for field, text in zip(FIELDS, texts, strict=True)
    )
    _refuse_impossible(days, months)
    _refuse_ambiguous_days(texts[2], texts[4], days, weekdays)
    return CronExpression(
        text=expr,
        minutes=tuple(sorted(minutes)),
        hours=tuple(sorted(hours)),
        days=days,
        months=months,
        weekdays=weekdays,
        either_day=texts[2] != "*" and texts[4] != "*",
    )


def _refuse_impossible(days: frozenset[int], months: frozenset[int]) -> None:
    longest = max(_LONGEST_MONTHS[month] for month in months)
    if min(days) > longest:
        raise ValueError(f"no month it names has a day {min(days)}; write a day up to {longest}")


def _refuse_ambiguous_days(
    day_text: str, weekday_text: str, days: frozenset[int], weekdays: frozenset[int]
) -> None:
    """Refuse a pair of day fields where some schedulers require both to match, others either."""
    if "*" in (day_text, weekday_text):
        return
    starred = day_text.startswith("*") or weekday_text.startswith("*")
    full = days == DAY_OF_MONTH.everything or weekdays == DAY_OF_WEEK.everything
    if starred or full:
        raise ValueError(
            f"day of month '{day_text}' together with day of week '{weekday_text}' is read in two "
            "ways, as both must match or either may; write * for one of the two"
        )
