"""Read plain YAML scalars as PyYAML does, with which dbt reads: YAML 1.1, with exceptions.

The patterns are those of `yaml.resolver`, the values those of `yaml.constructor`.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone

_BOOL = re.compile(r"(yes|Yes|YES|true|True|TRUE|on|On|ON)|no|No|NO|false|False|FALSE|off|Off|OFF")
_INT = re.compile(
    r"[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*(?::[0-5]?[0-9])+)"
)
_FLOAT = re.compile(
    r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?"
    r"|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_DATE = re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})")
_TIME = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})(?:[Tt]|[ \t]+)"
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]*))?"
    r"(?:[ \t]*(?P<zone>Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?"
)


class TimestampText(str):
    """A text that YAML reads as a date or time. Only dbt vars treat it as one."""

    __slots__ = ()


def bool_of(text: str) -> bool | str:
    """Return a boolean; other words, such as `y`, stay text.

    >>> bool_of("off"), bool_of("ON"), bool_of("y"), bool_of("oN")
    (False, True, 'y', 'oN')
    """
    found = _BOOL.fullmatch(text)
    return bool(found.group(1)) if found else text


def int_of(text: str) -> int | str:
    """Return an integer, in base 2, 8, 10, 16 or 60; other text stays text.

    >>> int_of("010"), int_of("-0b11"), int_of("1:30"), int_of("1_000"), int_of("09")
    (8, -3, 90, 1000, '09')
    """
    if not _INT.fullmatch(text):
        return text
    digits = text.replace("_", "").lstrip("+-")
    base = {"0b": 2, "0x": 16}.get(digits[:2], 8 if digits.startswith("0") else 10)
    try:
        value = 0
        for part in digits.split(":"):
            value = value * 60 + int(part, base)
    except ValueError:
        # More digits than Python reads, or none.
        return text
    return -value if text.startswith("-") else value


def float_of(text: str) -> float | str:
    """Return a number with a point, in base 10 or 60; other text, such as `1e3`, stays text.

    >>> float_of("1.5"), float_of("-1:30.5"), float_of("1.0e+3"), float_of("1.0e3"), float_of("1e3")
    (1.5, -90.5, 1000.0, '1.0e3', '1e3')
    """
    if not _FLOAT.fullmatch(text):
        return text
    value = 0.0
    for part in text.replace("_", "").lower().lstrip("+-").split(":"):
        value = value * 60 + float(part.replace(".inf", "inf").replace(".nan", "nan"))
    return -value if text.startswith("-") else value


def time_of(text: str) -> str:
    """Return a date or time as dbt renders it; other text stays text.

    >>> time_of("2026-01-31"), time_of("2026-01-31T10:00:00Z"), time_of("2026-02-31")
    ('2026-01-31', '2026-01-31 10:00:00+00:00', '2026-02-31')
    """
    moment = moment_of(text)
    return text if moment is None else str(moment)


def moment_of(text: str) -> date | None:
    """Return a date, or a date with a time; None for other text and for days that do not exist.

    >>> moment_of("2026-01-31"), moment_of("2026-1-3 1:02:03.5 -3:30"), moment_of("2026-1-3")
    ... # doctest: +ELLIPSIS
    (datetime.date(2026, 1, 31), datetime.datetime(2026, 1, 3, 1, 2, 3, 500000, tzinfo=...), None)
    """
    found = _DATE.fullmatch(text) or _TIME.fullmatch(text)
    if found is None:
        return None
    parts = found.groupdict()
    try:
        day = date(*(int(parts[name]) for name in ("year", "month", "day")))
        if "hour" not in parts:
            return day
        hour, minute, second = (int(parts[name]) for name in ("hour", "minute", "second"))
        fraction = int((parts["fraction"] or "")[:6].ljust(6, "0"))
        clock = time(hour, minute, second, fraction, _zone_of(parts["zone"]))
        return datetime.combine(day, clock)
    except ValueError:
        return None


def _zone_of(text: str | None) -> timezone | None:
    """Return the zone of `Z`, `+2` or `-03:30`."""
    if not text or text == "Z":
        return UTC if text else None
    hours, _, minutes = text[1:].partition(":")
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(-offset if text.startswith("-") else offset)
