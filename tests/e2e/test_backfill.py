"""Days of the past are run again: the same on both orchestrators, by ticks and by range."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from microbatch_product import FAILING, PlainDbt, days_of, models, rows_of
from warm_floe import floe

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: dagster}
  compute: {type: duckdb, config: {path: "{product_slug}.duckdb"}}
"""
SPEC = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: daily-sums, version: 1.0.0}
platform: {manifest: manifest.yaml}
schedule: {cron: "30 2 * * *", timezone: Europe/Berlin}
execution: {backfillBy: BY}
"""
SUMS = """\
{{ config(materialized="incremental") }}
select '{{ var("floe_nominal_time") }}' as nominal_time,
       '{{ var("floe_range_start") }}' as range_start,
       '{{ var("floe_range_end") }}' as range_end
"""
EVENTS = """\
{{ config(materialized="table") }}
select range as happened_at, 1 as amount
from range(timestamp '2026-03-27', timestamp '2026-04-02', interval 6 hour)
"""
BY_DAY = """\
{{ config(materialized="incremental", incremental_strategy="microbatch", event_time="happened_at",
          batch_size="day", begin="2026-03-01") }}
select happened_at, amount from {{ ref("events") }}
"""
DAYS = ("2026-03-28", "2026-03-30")
# 02:30 does not exist on 29 March in Berlin: that tick is at 03:00, when it is 01:00 UTC.
TICKS = ["2026-03-28T01:30:00+00:00", "2026-03-29T01:00:00+00:00", "2026-03-30T00:30:00+00:00"]
RANGE = ("2026-03-27T23:00:00+00:00", "2026-03-30T22:00:00+00:00")


# At midnight in UTC, where a day ends and another begins.
IN_UTC = SPEC.replace("BY", "tick").replace("30 2", "0 0").replace("Europe/Berlin", "UTC")


def product(folder: Path, by: str) -> Path:
    (folder / "models").mkdir(parents=True)
    (folder / "manifest.yaml").write_text(MANIFEST)
    (folder / "floe.yaml").write_text(SPEC.replace("BY", by))
    (folder / "dbt_project.yml").write_text("name: sums\nversion: 1.0.0\nprofile: sums\n")
    (folder / "models" / "sums.sql").write_text(SUMS)
    if by == "range":
        (folder / "models" / "events.sql").write_text(EVENTS)
        schema = "models: [{name: events, config: {event_time: happened_at}}]\n"
        (folder / "models" / "events.yml").write_text(schema)
        (folder / "models" / "by_day.sql").write_text(BY_DAY)
    return folder


def rows(folder: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(folder / "daily_sums.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("orchestrator", ["dagster", "airflow"])
def test_a_backfill_by_tick_is_a_run_for_each_tick_of_the_days(
    tmp_path: Path, orchestrator: str
) -> None:
    folder = product(tmp_path / "product", "tick")
    done = floe("run", str(folder), "--on", orchestrator, "--backfill", *DAYS, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["status"], [run["nominal_time"] for run in told["runs"]]) == ("success", TICKS)
    assert {run["status"] for run in told["runs"]} == {"success"}
    assert rows(folder, "from sums order by all") == [(tick, "", "") for tick in TICKS]


def write_models(folder: Path, spec: str, sqls: dict[str, str]) -> None:
    """Write these models instead of those that are there."""
    (folder / "floe.yaml").write_text(spec)
    (folder / "models" / "sums.sql").unlink()
    for name, sql in sqls.items():
        (folder / "models" / f"{name}.sql").write_text(sql)


@pytest.mark.parametrize("orchestrator", ["dagster", "airflow", "prefect"])
def test_a_retry_builds_the_failed_batches_and_names_those_that_fail_again(
    tmp_path: Path, orchestrator: str
) -> None:
    folder = product(tmp_path / "product", "tick")
    retried = IN_UTC.replace("tick}", "tick, retries: 1, retryDelaySeconds: 0}")
    write_models(folder, retried, {"events": models()["events"], "by_day": FAILING})
    day = "2026-11-02"
    done = floe("run", str(folder), "--on", orchestrator, "--backfill", day, day, "--json")
    assert done.returncode == 1, done.stderr
    [run] = json.loads(done.stdout)["runs"]
    said = "batch 2026-10-31: Binder Error: Referenced column"
    assert run["errors"]["model.sums.by_day"].startswith(said)
    # Shown in the terminal and, as each message of a node is, in the failure of the run.
    assert said in done.stderr
    built = {"2026-10-28": 1, "2026-10-29": 2, "2026-10-30": 1, "2026-11-01": 1, "2026-11-02": 1}
    assert days_of(folder / "daily_sums.duckdb") == built


@pytest.mark.parametrize("orchestrator", ["dagster", "airflow", "prefect"])
def test_each_tick_builds_the_batches_of_its_own_time(tmp_path: Path, orchestrator: str) -> None:
    folder = product(tmp_path / "product", "tick")
    write_models(folder, IN_UTC, models())
    days = ("2026-11-03", "2026-11-04")
    done = floe("run", str(folder), "--on", orchestrator, "--backfill", *days, "--json")
    assert done.returncode == 0, done.stderr
    plain = PlainDbt(tmp_path / "plain")
    for run in json.loads(done.stdout)["runs"]:
        plain.build(datetime.fromisoformat(run["nominal_time"]))
    built = rows_of(folder / "daily_sums.duckdb")
    assert built == rows_of(plain.folder / "shop.duckdb")


@pytest.mark.parametrize(
    "orchestrator", [pytest.param("dagster", marks=pytest.mark.slow), "airflow"]
)
def test_a_backfill_goes_by_the_schedule_that_was_set(tmp_path: Path, orchestrator: str) -> None:
    folder = product(tmp_path / "product", "tick")
    compiled = floe("compile", str(folder), "--on", orchestrator)
    assert compiled.returncode == 0, compiled.stderr
    changed = floe("schedule", "set", str(folder), "--cron", "15 4 * * *")
    assert changed.returncode == 0, changed.stderr
    done = floe("run", str(folder), "--on", orchestrator, "--backfill", *DAYS[:1], *DAYS[:1])
    assert done.returncode == 0, done.stderr
    assert rows(folder, "from sums") == [("2026-03-28T04:15:00+00:00", "", "")]


@pytest.mark.parametrize(
    "orchestrator", ["dagster", pytest.param("airflow", marks=pytest.mark.slow)]
)
def test_a_backfill_by_range_is_one_run_that_knows_its_range(
    tmp_path: Path, orchestrator: str
) -> None:
    folder = product(tmp_path / "product", "range")
    done = floe("run", str(folder), "--on", orchestrator, "--backfill", *DAYS, "--json")
    assert done.returncode == 0, done.stderr
    assert [run["nominal_time"] for run in json.loads(done.stdout)["runs"]] == [RANGE[1]]
    assert rows(folder, "from sums") == [(RANGE[1], *RANGE)]
    # dbt's own microbatch takes the days that the range touches, in UTC.
    batches = rows(folder, "select distinct happened_at::date::text from by_day order by 1")
    assert batches == [("2026-03-27",), ("2026-03-28",), ("2026-03-29",), ("2026-03-30",)]


@pytest.mark.parametrize(
    ("days", "more", "expected"),
    [
        (("2026-03-30", "2026-03-28"), (), "would end on 2026-03-28, before it begins"),
        (("2026-03-28", "2999-01-01"), (), "2999-01-01 is not over yet"),
        (("2026-03-28", "soon"), (), "--backfill soon: not a day, such as 2026-01-31"),
        (DAYS, ("--select", "sums"), "--backfill runs whole jobs"),
    ],
)
def test_what_cannot_be_filled_back_is_refused(
    tmp_path: Path, days: tuple[str, str], more: tuple[str, ...], expected: str
) -> None:
    done = floe("run", str(product(tmp_path / "product", "tick")), "--backfill", *days, *more)
    assert (done.returncode, done.stdout) == (2, "")
    assert expected in " ".join(done.stderr.split())
