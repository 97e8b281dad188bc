"""Vars on the command line are read as dbt reads them."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from dbt.config.utils import parse_cli_yaml_string

from floe_core.dbt_yaml import read_vars

VALUES = [
    *("on", "off", "Yes", "no", "TRUE", "tRue", "y", "N", "null", "~", "nUll", ""),
    *("010", "09", "0o10", "0b11", "0x1F", "1_000", "+1", "-0", "1:30", "-1:30", "1:99"),
    *("1.5", ".5", "1.", "1e3", "1.0e3", "1.0e+3", "0.1e1", "190:20:30.15", ".inf", "-.INF"),
    *("2026-01-31", "2026-01-31 10:00:00", "2026-01-31T10:00:00Z", "2026-13-01T10"),
    *("'on'", '"010"', "!!str off", '!!int "3"', "[on, {day: 010}]", "{a: {b: off}}", "text"),
]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_is_what_dbt_makes_of_it(value: str) -> None:
    text = f"{{day: {value}, other: 1}}"
    assert repr(read_vars(text)) == repr(_as_json(parse_cli_yaml_string(text, "vars")))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{on: false}", "dbt reads the key on as bool; put it in quotes"),
        ("{a: 1, 2: b}", "dbt reads the key 2 as int; put it in quotes"),
        ("{a: {~: 1}}", "dbt reads the key ~ as null; put it in quotes"),
        ("{2026-01-01: 1}", "dbt reads the key 2026-01-01 as timestamp; put it in quotes"),
        ("{[1]: 2}", "a key is not text; write a mapping, such as '{day: 1}'"),
        ("[1]", "it is not a mapping; write a mapping, such as '{day: 1}'"),
        ("{a: =}", "the YAML tag 'tag:yaml.org,2002:value' is not allowed; write a plain value"),
    ],
)
def test_what_dbt_or_json_does_not_take_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError) as raised:
        read_vars(text)
    assert str(raised.value) == message


def test_quoted_keys_and_words_are_text() -> None:
    assert read_vars('{"on": off, y: 1, oN: 2}') == {"on": False, "y": 1, "oN": 2}


def _as_json(value: object) -> object:
    """Return a value with its times as text: vars travel through orchestrators as JSON."""
    if isinstance(value, dict):
        return {key: _as_json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_as_json(each) for each in value]
    return str(value) if isinstance(value, date | datetime) else value
