"""A product that runs for a month when all days of a port are there; DuckDB says what is in it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from floe_console.mesh import JobState, read_mesh
from floe_core.cli.main import app
from floe_core.compiler import compile_product
from floe_core.compiler.ports.products import read_platform
from floe_core.execution import BuildEnded, BuildRequest, RunParameters, build
from floe_core.foundation.errors import InvalidProductError, NothingNewError
from floe_core.ports.decision import Decision, period_in, updates_in
from floe_core.ports.watch import look
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: plain}
  compute: {type: duckdb, config: {path: "../both.duckdb", schema: "{product_slug}"}}
products: {sales: sales, report: report}
ledger: ledger
"""
SPEC = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {{name: {name}, version: 1.0.0}}
platform: {{manifest: ../manifest.yaml}}
"""
DAYS = """\
partitions: {by: day, start: 2026-01-01, select: daily, vars: {first: start_date, end: end_date}}
execution: {backfillBy: range}
"""
MONTHS = """\
inputPorts: [{product: sales, port: daily}]
schedule: {onUpdate: all, every: month}
partitions: {by: month, start: 2026-01-01, select: monthly, vars: {first: start_date, end: end_date}}
"""
DAILY = (
    "{{ config(materialized='incremental', unique_key='day') }} "
    "select cast(d as date) as day, {{ var('amount', 1) }} as amount from generate_series("
    'timestamp \'{{ var("first", "2026-01-01") }}\', timestamp \'{{ var("end", "2026-01-02") }}\' '
    "- interval 1 day, interval 1 day) t(d)"
)
MONTHLY = (
    "{{ config(materialized='incremental', unique_key='month') }} "
    'select date \'{{ var("first", "") }}\' as month, sum(amount) as amount '
    "from {{ ref('sales', 'daily') }} "
    'where day >= \'{{ var("first", "") }}\' and day < \'{{ var("end", "") }}\' group by 1'
)
NOW = datetime(2026, 4, 1, tzinfo=UTC)


class Platform:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "manifest.yaml").write_text(MANIFEST)
        self.write("sales", f"{DAYS}outputPorts: [{{name: daily}}]\n", "daily", DAILY)
        self.write("report", MONTHS, "monthly", MONTHLY)

    def write(self, product: str, floe: str, model: str, sql: str) -> None:
        root = self.folder / product
        (root / "models").mkdir(parents=True, exist_ok=True)
        (root / "floe.yaml").write_text(SPEC.format(name=product) + floe)
        (root / "dbt_project.yml").write_text(
            f"name: {product}\nversion: 1.0.0\nprofile: {product}\n"
        )
        (root / "models" / f"{model}.sql").write_text(sql)

    def compile(self, product: str) -> CompiledArtifacts:
        return compile_product(self.folder / product)

    def build_days(self, run_id: str, days: str, amount: int = 1) -> None:
        parameters = RunParameters(partitions=days, vars={"amount": amount})
        self.run("sales", BuildRequest("sales", run_id, parameters=parameters))

    def look(self) -> Decision:
        return look(CompiledArtifacts.load(self.folder / "report"), "report", NOW)

    def start(self, decision: Decision, run_id: str) -> None:
        """Do what each orchestrator does with a decision."""
        parameters = RunParameters(partitions=period_in(decision.key))
        updates = tuple(updates_in(decision.key).items())
        request = BuildRequest("report", run_id, parameters=parameters, updates=updates)
        self.run("report", request)

    def run(self, product: str, request: BuildRequest) -> None:
        end = list(build(CompiledArtifacts.load(self.folder / product), request))[-1]
        assert isinstance(end, BuildEnded)
        assert end.succeeded, end.message

    def months(self) -> dict[str, int]:
        with duckdb.connect(str(self.folder / "both.duckdb"), read_only=True) as connection:
            found = connection.execute("select month, amount from report.monthly").fetchall()
        return {f"{month:%Y-%m}": int(amount) for month, amount in found}

    def shown(self) -> JobState:
        mesh = read_mesh(read_platform(self.folder / "manifest.yaml"), NOW)
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
    assert platform.shown().waits_for == waiting.waits_for
    platform.build_days("3", "2026-01-31")
    january = platform.look()
    assert (january.action, january.period) == ("run", "2026-01")
    assert platform.shown().is_due
    platform.start(january, "j")
    with pytest.raises(NothingNewError):
        platform.start(january, "another")
    assert platform.months() == {"2026-01": 31, "2026-02": 56}
    assert platform.look().action == "wait"
    assert platform.shown().stale == ()

    platform.build_days("4", "2026-01-05", amount=100)
    assert platform.look().action == "wait", "a day that is built again starts nothing"
    assert platform.shown().stale == ("2026-01",)
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
    assert platform.shown().stale == ()


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
