"""Vars on the command line are read as dbt reads them."""

from __future__ import annotations

import json

import pytest
from dbt.config.utils import parse_cli_yaml_string

from floe_core.user_yaml.dbt_vars import values_for_dbt, vars_argument
from floe_core.user_yaml.dbt_yaml import read_vars

VALUES = [
    *("on", "off", "Yes", "no", "TRUE", "tRue", "y", "N", "null", "~", "nUll", ""),
    *("010", "09", "0o10", "0b11", "0x1F", "1_000", "+1", "-0", "1:30", "-1:30", "1:99"),
    *("1.5", ".5", "1.", "1e3", "1.0e3", "1.0e+3", "0.1e1", "190:20:30.15", ".inf", "-.INF"),
    *("2026-01-31", "2026-01-31 10:00:00", "2026-01-31T10:00:00Z", "2026-13-01T10"),
    *("2026-1-3 1:02:03.5 -3", "2026-01-31t10:00:00+05:30", "2026-01-31 10:00:00.123456789 Z"),
    *("2026-1-3", "'2026-01-31'", "[2026-01-31, {a: 2026-02-01}]", "'!!timestamp soon'"),
    *(
        "1.0e+20",
        "1.5e-9",
        ".nan",
        '"\\U0001F600"',
        "'\U0001f600 \u00e9'",
        "'a: [\\ b'",
        '"\\x7f\\n\\x85"',
    ),
    *("'on'", '"010"', "!!str off", '!!int "3"', "[on, {day: 010}]", "{a: {b: off}}", "text"),
]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_is_what_dbt_makes_of_it(value: str) -> None:
    text = f"{{day: {value}, other: 1}}"
    carried = json.loads(json.dumps(read_vars(text)))
    of_dbt = parse_cli_yaml_string(text, "vars")
    assert repr(parse_cli_yaml_string(vars_argument(carried), "vars")) == repr(of_dbt)
    assert repr(values_for_dbt(carried)) == repr(of_dbt)


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
