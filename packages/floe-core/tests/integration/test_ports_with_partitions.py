"""A product that runs for a month when all days of a port are there; DuckDB says what is in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from monthly_report import DAILY, DAYS, MONTHLY, MONTHS, NOW, Platform
from typer.testing import CliRunner

from floe_console.mesh import JobState, read_mesh
from floe_core.cli.main import app
from floe_core.compiler.ports.products import read_platform
from floe_core.execution import BuildRequest, RunParameters, build
from floe_core.foundation.errors import InvalidProductError, NothingNewError


def shown(platform: Platform) -> JobState:
    mesh = read_mesh(read_platform(platform.folder / "manifest.yaml"), NOW)
    [job] = next(each for each in mesh.products if each.name == "report").jobs
    return job


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    made = Platform(tmp_path)
    made.compile("sales")
    made.compile("report")
    return made


def test_a_month_runs_when_its_last_day_is_there_and_is_stale_after_a_late_one(
    platform: Platform,
) -> None:
    platform.build_days("1", "2026-01-01...2026-01-30")
    platform.build_days("2", "2026-02-01...2026-02-28", amount=2)
    february = platform.look()
    assert (february.action, february.period) == ("run", "2026-02"), "it waits for no earlier one"
    platform.start(february, "f")
    assert platform.months() == {"2026-02": 56}
    waiting = platform.look()
    assert (waiting.action, waiting.waits_for) == ("wait", "sales/daily@1 (2026-01-31)")
    assert shown(platform).waits_for == waiting.waits_for
    platform.build_days("3", "2026-01-31")
    january = platform.look()
    assert (january.action, january.period) == ("run", "2026-01")
    assert shown(platform).is_due
    platform.start(january, "j")
    with pytest.raises(NothingNewError):
        platform.start(january, "another")
    assert platform.months() == {"2026-01": 31, "2026-02": 56}
    assert platform.look().action == "wait"
    assert shown(platform).stale == ()

    platform.build_days("4", "2026-01-05", amount=100)
    assert platform.look().action == "wait", "a day that is built again starts nothing"
    assert shown(platform).stale == ("2026-01",)
    report = str(platform.folder / "report")
    plan = CliRunner().invoke(app, ["plan", report, "--json"])
    assert json.loads(plan.stdout)["stale_partitions"] == {"report": ["2026-01"]}
    states = CliRunner().invoke(app, ["partitions", report, "--to", "2026-02", "--json"])
    assert json.loads(states.stdout)["nodes"]["model.report.monthly"]["partitions"] == {
        "2026-01": "stale",
        "2026-02": "done",
    }
    parameters = RunParameters(partitions="2026-01")
    platform.run("report", BuildRequest("report", "again", parameters=parameters))
    assert platform.months() == {"2026-01": 130, "2026-02": 56}
    assert shown(platform).stale == ()


def test_days_of_a_run_that_failed_for_another_are_there_after_the_next_green_one(
    platform: Platform,
) -> None:
    fails = (
        "{% if var('first', '') == '2026-02-10' and not var('mended', false) %}no such{% endif %}"
    )
    spec = f"{DAYS}outputPorts: [{{name: daily}}]\n".replace("range}", "tick}")
    platform.write("sales", spec, "daily", f"{DAILY} {fails}")
    artifacts = platform.compile("sales")
    days = RunParameters(partitions="2026-02-01...2026-02-28")
    *_, end = build(artifacts, BuildRequest("sales", "red", parameters=days))
    assert not end.succeeded
    assert platform.look().action == "wait"
    mended = RunParameters(partitions="2026-02-10", vars={"mended": True})
    platform.run("sales", BuildRequest("sales", "green", parameters=mended))
    assert (platform.look().action, platform.look().period) == ("run", "2026-02")


@pytest.mark.parametrize(
    ("product", "floe", "problem"),
    [
        ("report", MONTHS.replace("every: month", "every: week"), "partitions are by month"),
        ("report", MONTHS.replace("all, every", "any, every"), "`onUpdate: all` alone"),
        ("report", MONTHS.replace("onUpdate: all, every", "cron: '@daily', every"), "`every` is of"),
        ("report", MONTHS.replace("month, start: 2026-01-01", "month, start: 2026-01-01, timezone: "
            "Europe/Berlin"), "fit in partitions by month in Europe/Berlin"),
        ("report", MONTHS.replace("by: month", "by: hour").replace("every: month", "every: hour"),
            "does not fit in partitions by hour"),
        ("sales", "outputPorts: [{name: daily}]\n", "has no `partitions` of it"),
    ],
)  # fmt: skip
def test_what_cannot_run_for_every_period_is_refused(
    platform: Platform, product: str, floe: str, problem: str
) -> None:
    name, sql = {"sales": ("daily", DAILY), "report": ("monthly", MONTHLY)}[product]
    platform.write(product, floe, name, sql)
    if product == "sales":
        platform.compile("sales")
    with pytest.raises(InvalidProductError) as found:
        platform.compile("report")
    told = [str(each) for each in found.value.problems]
    assert any(problem in each and "floe.yaml" in each for each in told), told
