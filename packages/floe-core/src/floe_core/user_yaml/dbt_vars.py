"""dbt vars as JSON values, which artifacts and orchestrators carry.

JSON has no dates. A date or time of YAML is a text with YAML's tag, `!!timestamp 2026-01-31`, and
dbt gets it as YAML again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from floe_core.user_yaml.yaml_1_1 import TimestampText, moment_of

TAG = "!!timestamp "


def add_tag(text: str) -> str:
    """Return a date or time of YAML with the tag; other text unchanged.

    >>> add_tag("2026-01-31"), add_tag("2026-02-31")
    ('!!timestamp 2026-01-31', '2026-02-31')
    """
    return text if moment_of(text) is None else TAG + text


def with_tags(value: Any) -> Any:
    """Return a value of floe.yaml or the manifest with its dates and times tagged."""
    return _map_texts(
        value, lambda text: add_tag(text) if isinstance(text, TimestampText) else text
    )


def vars_argument(values: Mapping[str, Any]) -> str:
    """Return vars as the text of dbt's option `--vars`.

    >>> vars_argument({"day": "!!timestamp 2026-01-31", "days": ["2026-01-31", 1]})
    '{"day": 2026-01-31, "days": ["2026-01-31", 1]}'
    """
    return _text_of(dict(values))


def values_for_dbt(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return vars as `var()` of dbt returns them.

    >>> values_for_dbt({"day": "!!timestamp 2026-01-31"})
    {'day': datetime.date(2026, 1, 31)}
    """
    return {
        name: _map_texts(value, lambda text: _moment(text) or text)
        for name, value in values.items()
    }


def without_tags(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return vars whose dates and times are plain text, for readers other than dbt.

    >>> without_tags({"day": "!!timestamp 2026-01-31"})
    {'day': '2026-01-31'}
    """
    return {
        name: _map_texts(value, lambda text: text.removeprefix(TAG) if _moment(text) else text)
        for name, value in values.items()
    }


def _moment(text: str) -> date | None:
    return moment_of(text.removeprefix(TAG)) if text.startswith(TAG) else None


def _map_texts(value: Any, change: Callable[[str], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _map_texts(each, change) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_map_texts(each, change) for each in value]
    return change(value) if isinstance(value, str) else value


def _text_of(value: Any) -> str:
    """Return a value as JSON, except for what PyYAML reads in another way."""
    if isinstance(value, dict):
        entries = (f"{_quote(str(key))}: {_text_of(each)}" for key, each in value.items())
        return f"{{{', '.join(entries)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text_of, value))}]"
    if isinstance(value, str) and _moment(value) is not None:
        return value.removeprefix(TAG)
    if isinstance(value, str):
        return _quote(value)
    return _float_text(value) if isinstance(value, float) else json.dumps(value)


def _quote(text: str) -> str:
    """Return a text in quotes; YAML has no surrogate pairs for characters such as emoji."""
    return f'"{"".join(map(_escape, text))}"'


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\U{code:08x}" if code > 0xFFFF else json.dumps(character)[1:-1]


def _float_text(number: float) -> str:
    """Return a number; without a point, YAML 1.1 reads an exponent as text.

    >>> _float_text(1e20), _float_text(-1e-7), _float_text(0.1), _float_text(float("-inf"))
    ('1.0e+20', '-1.0e-07', '0.1', '-.inf')
    """
    text = repr(number)
    if "e" in text and "." not in text:
        return text.replace("e", ".0e", 1)
    return text.replace("inf", ".inf").replace("nan", ".nan")
