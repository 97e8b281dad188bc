from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from floe_core.schedules import parse_cron

DIALECT = json.loads((Path(__file__).parent / "vectors" / "cron-dialect.json").read_text("utf-8"))
ADVICE = re.compile(r"write (\S+)(?: or (\S+))?$")


def test_the_lists_are_whole() -> None:
    assert (len(DIALECT["accept"]), len(DIALECT["refuse"])) == (327, 193)


@pytest.mark.parametrize("expr", DIALECT["accept"])
def test_an_expression_that_all_read_alike_is_accepted(expr: str) -> None:
    assert str(parse_cron(expr)) == expr


@pytest.mark.parametrize("expr", DIALECT["refuse"])
def test_any_other_is_refused_with_what_to_write(expr: str) -> None:
    with pytest.raises(ValueError, match=r"^cron expression ") as refused:
        parse_cron(expr)
    message = str(refused.value)
    assert message.startswith(f"cron expression {expr!r}: ")
    assert re.search(r"write |leave the step out", message)


def advised(expr: str) -> list[str]:
    """Return whole expressions with the advice for one field in its place, if there is any."""
    try:
        parse_cron(expr)
    except ValueError as refused:
        found = re.search(r": (minute|hour|day of month|month|day of week) '", str(refused))
        advice = ADVICE.search(str(refused))
        if not (found and advice):
            return []
        place = ["minute", "hour", "day of month", "month", "day of week"].index(found[1])
        texts = [text for text in advice.groups() if text and text != "numbers"]
        fields = ["0", "0", "*", "*", "*"]
        return [" ".join([*fields[:place], text, *fields[place + 1 :]]) for text in texts]
    return []


def test_what_is_advised_for_one_field_is_itself_accepted() -> None:
    advice = [text for expr in DIALECT["refuse"] for text in advised(expr)]
    assert [str(parse_cron(text)) for text in advice] == advice
    assert len(advice) > 50


@pytest.mark.parametrize(
    ("expr", "reason"),
    [
        ("", "it is empty; write five fields such as 0 6 * * *"),
        (
            "0 0 * * * 0",
            (
                "it has 6 fields; write five: minute, hour, day of month, month, day of week "
                "(no seconds, no year)"
            ),
        ),
        ("0  0 * * *", "fields are parted by single spaces; write 0 0 * * *"),
        ("@DAILY", "shorthands are in lower case; write @daily"),
        ("@quarterly", "no such shorthand; write 0 0 1 */3 *"),
        ("5/15 * * * *", "minute '5/15' is read in two ways; write 5-59/15 or 5"),
        ("0 22-2/2 * * *", "hour '22-2/2' runs backwards; write 22,0,2"),
        ("0 0 * * FRI-SUN", "day of week 'FRI-SUN' runs backwards; write 5-7"),
        ("0 0 * NOV-FEB *", "month 'NOV-FEB' runs backwards; write 11-12,1-2"),
        ("0 3-3 * * *", "hour '3-3' is a range of one; write 3"),
        ("*/60 * * * *", "minute '*/60' has a step wider than its range; write 0"),
        ("*/0 * * * *", "minute '*/0' has a step of 0; leave the step out"),
        ("*,5 * * * *", "minute '*,5' has '*' inside a list; write '*' alone or the numbers meant"),
        ("0 0 * * MONDAY", "day of week 'MONDAY' spells a name out; write MON"),
        ("0 0 31 4,6 *", "no month it names has a day 31; write a day up to 30"),
        (
            "0 0 L * *",
            (
                "day of month 'L' cannot be used: 'L' (last) is not understood everywhere; "
                "write numbers"
            ),
        ),
        (
            "0 0 1-31 * 1",
            (
                "day of month '1-31' together with day of week '1' is read in two ways, as both "
                "must match or either may; write * for one of the two"
            ),
        ),
        ("0 24 * * *", "hour '24' is out of range; write a number from 0 to 23"),
    ],
)
def test_the_reason_says_what_to_write_instead(expr: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r"write|leave") as refused:
        parse_cron(expr)
    assert str(refused.value) == f"cron expression {expr!r}: {reason}"


def test_names_shorthands_and_sunday_as_seven_mean_what_numbers_mean() -> None:
    def read(expr: str) -> tuple[object, ...]:
        cron = parse_cron(expr)
        return cron.minutes, cron.hours, cron.days, cron.months, cron.weekdays

    assert read("0 0 * * MON-fri") == read("0 0 * * 1-5")
    assert read("0 0 * * 6-7") == read("0 0 * * 0,6")
    assert read("0 0 1 JAN *") == read("@yearly")
    assert read("00 00 * * 7") == read("@weekly")
    assert read("0 0-23 * * *") == read("@hourly")
