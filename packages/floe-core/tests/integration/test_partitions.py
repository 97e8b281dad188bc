"""A run with partitions builds what plain dbt builds for each of them, in the same order."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alert_receiver import alert_receiver
from filelock import FileLock
from own_database import SERVER, own_database
from partitioned_product import (
    MODELS,
    PARTITIONED,
    PARTITIONS,
    TESTS,
    PlainDays,
    days_from,
    failing,
    rows_of,
)
from plain_shop import FLOE
from wait_for import wait_for

from floe_core.alerts.alert import first_error_line
from floe_core.compiler import compile_product
from floe_core.execution import (
    BuildEnded,
    BuildRequest,
    NodeResult,
    RunParameters,
    build,
    may_retry,
    outcome_of_run,
    record_of,
)
from floe_core.execution.plan_of_run import plan_run
from floe_core.foundation.errors import EnvironmentProblemError, UsageError
from floe_core.partitions.statuses import PartitionStatus, statuses_of
from floe_core.partitions.store import store_of
from floe_core.runs.build_events import BuildEvent, NodeLog, NodeStarted, PartitionResult
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]
Written = tuple[CompiledArtifacts, PlainDays]
BY_DAY = (*PARTITIONED, "unique_daily_day")


def write(write_product: WriteProduct, tmp_path: Path, floe: str = "", **models: str) -> Written:
    folder = write_product(floe=FLOE + (floe or PARTITIONS), **{**MODELS, **models})
    (folder / "models" / "tests.yml").write_text(TESTS)
    compile_product(folder)
    return CompiledArtifacts.load(folder), PlainDays(folder, tmp_path / "plain")


def run(artifacts: CompiledArtifacts, run_id: str, days: str, attempt: int = 1) -> list[BuildEvent]:
    parameters = RunParameters(partitions=days)
    return list(
        build(artifacts, BuildRequest("shop", run_id, attempt=attempt, parameters=parameters))
    )


def succeeded(events: list[BuildEvent]) -> bool:
    end = events[-1]
    assert isinstance(end, BuildEnded)
    return end.succeeded


def results_of(events: list[BuildEvent]) -> dict[str, NodeResult]:
    found = [event for event in events if isinstance(event, NodeResult)]
    assert len({each.unique_id for each in found}) == len(found)
    return {each.unique_id.split(".")[2]: each for each in found}


def same_tables(artifacts: CompiledArtifacts, plain: PlainDays) -> None:
    found = rows_of(artifacts.folder / "shop.duckdb")
    expected = rows_of(plain.folder / "shop.duckdb")
    assert {name for name in expected if found.get(name) != expected[name]} == set()
    assert found.keys() == expected.keys()


@pytest.mark.parametrize("by", ["tick", "range", "2"])
def test_days_are_built_one_after_the_other_and_what_is_below_once(
    write_product: WriteProduct, tmp_path: Path, by: str
) -> None:
    # `wide` counts the rows that are there: only day by day is the count that of plain dbt.
    models = {} if by == "tick" else {"wide": MODELS["daily"].replace("raw", "by_day")}
    floe = f"{PARTITIONS}execution: {{backfillBy: {by}}}\n"
    artifacts, plain = write(write_product, tmp_path, floe, **models)
    events = run(artifacts, "1", "2026-11-01...2026-11-05")
    assert succeeded(events)
    plain.build(days_from("2026-11-01", "2026-11-05"))
    same_tables(artifacts, plain)
    assert len(rows_of(plain.folder / "shop.duckdb")["total"]) == 1
    starts = [event.unique_id for event in events if isinstance(event, NodeStarted)]
    assert len(set(starts)) == len(starts) == len(artifacts.runnable)
    days = tuple((day, "success") for day in days_from("2026-11-01", "2026-11-05"))
    results = results_of(events)
    assert results["daily"].partitions == results["by_day"].partitions == days
    assert results["total"].partitions == ()


def test_what_is_not_partitioned_is_reused_and_the_partitions_of_a_run_are_not(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    floe = f"{PARTITIONS}execution: {{reuse: unchanged}}\n"
    beside = "{{ config(materialized='table') }} select count(*) as n from {{ ref('raw') }}"
    artifacts, plain = write(write_product, tmp_path, floe, beside=beside)

    def assert_built(run_id: str, day: str, *expected: str) -> None:
        planned = plan_run(artifacts, BuildRequest("shop", run_id)).decisions
        events = run(artifacts, run_id, day)
        plain.build([day])
        same_tables(artifacts, plain)
        built = {name for name, each in results_of(events).items() if each.status != "reused"}
        # The run is for one partition and the plan for none: both build what is partitioned.
        assert built == {*expected, *BY_DAY, "total", "not_null_total_days"}
        assert built == {i.split(".")[2] for i, each in planned.items() if each.action == "build"}

    assert_built("1", "2026-11-01", "raw", "beside")
    assert_built("2", "2026-11-02")
    assert_built("3", "2026-11-02")
    changed = beside.replace("count(*)", "sum(amount)")
    for folder in (artifacts.folder, plain.folder):
        (folder / "models" / "beside.sql").write_text(changed)
    compile_product(artifacts.folder)
    artifacts = CompiledArtifacts.load(artifacts.folder)
    assert_built("4", "2026-11-02", "beside")


def test_a_tick_builds_its_day_and_those_before_it_again(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    artifacts, plain = write(write_product, tmp_path, f"{PARTITIONS}  lookback: 1\n")
    for number, day in enumerate((3, 4, 8)):
        tick = datetime(2026, 11, day, 6, tzinfo=UTC)
        assert succeeded(
            list(build(artifacts, BuildRequest("shop", str(number), nominal_time=tick)))
        )
        plain.build([f"2026-11-{day - 2:02}", f"2026-11-{day - 1:02}"])
        same_tables(artifacts, plain)


def test_a_failed_day_holds_back_its_own_nodes_and_those_below_alone(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    fails = failing(MODELS["daily"], {"2026-11-02": [1, 2]})
    artifacts, plain = write(write_product, tmp_path, daily=fails)
    days = days_from("2026-11-01", "2026-11-03")
    events = run(artifacts, "1", "2026-11-01...2026-11-03")
    assert not succeeded(events)
    plain.build(days, check=False)
    # `total` is below a day that failed; plain dbt, called once more, does not know of it.
    found = rows_of(artifacts.folder / "shop.duckdb")
    assert "total" not in found
    expected = rows_of(plain.folder / "shop.duckdb")
    assert {name: found[name] for name in found} == {name: expected[name] for name in found}
    results = results_of(events)
    assert [status for _, status in results["daily"].partitions] == ["success", "error", "success"]
    assert [status for _, status in results["wide"].partitions] == ["success", "skipped", "success"]
    assert [status for _, status in results["by_day"].partitions] == ["success"] * 3
    assert (results["daily"].status, results["wide"].status) == ("error", "skipped")
    assert results["daily"].message.splitlines()[0] == "1 of 3 partitions failed: 2026-11-02"
    assert "no_such_column" in results["daily"].message
    # What an alert shows of it.
    assert first_error_line(results["daily"]) == "1 of 3 partitions failed: 2026-11-02"
    assert results["total"].message.startswith("skipped: model.shop.daily, model.shop.wide, test.")


def test_a_retry_builds_the_days_that_failed_and_what_was_held_back(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    fails = failing(MODELS["daily"], {"2026-11-02": [1, 2], "2026-11-03": [1]})
    artifacts, plain = write(write_product, tmp_path, daily=fails)
    built = []
    for attempt in (1, 2, 3):
        events = run(artifacts, "1", "2026-11-01...2026-11-04", attempt)
        assert succeeded(events) == (attempt == 3)
        built.append(
            [
                (event.unique_id.split(".")[2], event.key, event.status)
                for event in events
                if isinstance(event, PartitionResult) and event.unique_id.startswith("model.")
            ]
        )
    assert len(built[0]) == 12
    assert sorted(built[1]) == [
        ("daily", "2026-11-02", "error"),
        ("daily", "2026-11-03", "success"),
        ("wide", "2026-11-02", "skipped"),
        ("wide", "2026-11-03", "success"),
    ]
    assert built[2] == [("daily", "2026-11-02", "success"), ("wide", "2026-11-02", "success")]
    days = days_from("2026-11-01", "2026-11-04")
    assert results_of(events)["daily"].partitions == tuple((day, "success") for day in days)
    plain.build(days, attempt=3)
    found, expected = (rows_of(f / "shop.duckdb") for f in (artifacts.folder, plain.folder))
    # It counts what is there of other days, which were built before it.
    found.pop("wide"), expected.pop("wide")
    assert found == expected


def test_a_failed_test_holds_back_what_is_below_it_of_the_same_day(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    twice = MODELS["daily"].replace(
        " group by 1", " group by 1 {% if var('day') == '2026-11-02' %}, amount{% endif %}"
    )
    artifacts, _ = write(write_product, tmp_path, daily=twice)
    events = run(artifacts, "1", "2026-11-01...2026-11-02")
    results = results_of(events)
    assert dict(results["unique_daily_day"].partitions) == {
        "2026-11-01": "pass",
        "2026-11-02": "fail",
    }
    assert dict(results["wide"].partitions) == {"2026-11-01": "success", "2026-11-02": "skipped"}
    assert dict(results["by_day"].partitions) == {"2026-11-01": "success", "2026-11-02": "success"}


def pairs_of(events: list[BuildEvent]) -> list[tuple[str, str, str]]:
    found = [event for event in events if isinstance(event, PartitionResult)]
    return sorted((each.unique_id.split(".")[2], each.key, each.status) for each in found)


def test_a_retry_leaves_out_what_is_below_a_failed_test_for_its_days_alone(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    """The test failed for one day; for another, the model itself did at first."""
    folder = write_product(
        floe=FLOE + PARTITIONS,
        **{**MODELS, "daily": failing(MODELS["daily"], {"2026-11-03": [1]})},
    )
    (folder / "tests").mkdir()
    (folder / "tests" / "good.sql").write_text(
        "select day from {{ ref('daily') }} where day = '{{ var(\"day\") }}' and day = '2026-11-02'"
    )
    compile_product(folder)
    artifacts, plain = CompiledArtifacts.load(folder), PlainDays(folder, tmp_path / "plain")
    days = days_from("2026-11-01", "2026-11-04")
    first = run(artifacts, "1", "2026-11-01...2026-11-04")
    assert [status for _, status in results_of(first)["good"].partitions] == [
        *("pass", "fail", "skipped", "pass")
    ]
    second = run(artifacts, "1", "2026-11-01...2026-11-04", 2)
    assert not succeeded(second)
    assert pairs_of(second) == [
        ("daily", "2026-11-03", "success"),
        ("good", "2026-11-03", "pass"),
        ("wide", "2026-11-03", "success"),
    ]
    results = results_of(second)
    assert [status for _, status in results["wide"].partitions] == [
        *("success", "skipped", "success", "success")
    ]
    assert results["wide"].message == "1 of 4 partitions were skipped: 2026-11-02"
    assert results["good"].status == "fail"
    # Nothing is left for a third one.
    wanted = [node.unique_id for node in artifacts.runnable]
    assert not may_retry(artifacts, wanted, record_of(artifacts, "1"))
    plain.build(days, check=False)
    plain.build_day("2026-11-03", PARTITIONED, attempt=2)
    found, expected = (rows_of(f / "shop.duckdb") for f in (artifacts.folder, plain.folder))
    assert (found["daily"], "total" in found) == (expected["daily"], False)
    assert [row[0] for row in found["wide"]] == [row[0] for row in expected["wide"]]


def test_before_the_first_day_is_over_nothing_of_it_is_built(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    artifacts, _ = write(write_product, tmp_path)
    tick = datetime(2026, 11, 1, 6, tzinfo=UTC)
    events = list(build(artifacts, BuildRequest("shop", "1", nominal_time=tick)))
    assert succeeded(events)
    results = results_of(events)
    assert {name for name, each in results.items() if each.status == "success"} == {"raw", "beside"}
    assert results["total"].message.startswith("no partition is due yet: the first, 2026-11-01")


def test_an_alert_names_the_partitions_that_failed_and_a_rebuild_is_for_their_time(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts = 'alerts: [{on: [failure], to: "env:FLOE_TEST_ALERTS"}]\n'
    fails = failing(MODELS["daily"], {"2026-11-03": [1]})
    folder = write_product(floe=FLOE + PARTITIONS + alerts, **{**MODELS, "daily": fails})
    compile_product(folder)
    artifacts = CompiledArtifacts.load(folder)
    with alert_receiver() as receiver:
        monkeypatch.setenv("FLOE_TEST_ALERTS", receiver.url)
        assert not succeeded(run(artifacts, "1", "2026-11-02...2026-11-04"))
        receiver.wait_for(1)
    [text] = [each["message"] for each in receiver.posted]
    assert "daily" in text
    assert "2026-11-03" in text
    assert "2026-11-02" not in text
    # A rebuild by hand, of which an orchestrator knows no time, does not count as today's run.
    outcome = outcome_of_run(artifacts, "shop", "1", succeeded=False)
    assert outcome.nominal_time == datetime(2026, 11, 5, tzinfo=UTC)


BATCHES = {
    "raw": MODELS["raw"],
    "by_day": MODELS["by_day"],
    "total": MODELS["total"].replace("wide", "by_day").replace("sum(events)", "sum(amount)"),
}
MONTH = "2026-11-01...2026-11-30"
OF_BATCHES = "partitions: {by: day, start: 2026-11-01, select: by_day}\n"


def test_days_of_microbatch_models_are_one_call_of_dbt(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    folder = write_product(floe=FLOE + OF_BATCHES, **BATCHES)
    compile_product(folder)
    artifacts = CompiledArtifacts.load(folder)
    events = run(artifacts, "1", "2026-11-02...2026-11-06")
    assert succeeded(events)
    calls = {e.invocation_id for e in events if isinstance(e, NodeResult) and e.invocation_id}
    assert len(calls) == 3
    days = {row[2].date().isoformat() for row in rows_of(folder / "shop.duckdb")["by_day"]}  # type: ignore[attr-defined]
    assert days == set(days_from("2026-11-02", "2026-11-06"))


def test_batches_that_failed_are_their_days_and_are_retried_alone(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    fails = (
        "{% if execute and model.batch and var('floe_attempt') | int == 1 and "
        "model.batch.event_time_start.day in [3, 5] %}select no_such_column{% else %}"
    )
    config, _, rest = MODELS["by_day"].partition("}} ")
    models = {**BATCHES, "by_day": f"{config}}}}} {fails}{rest}{{% endif %}}"}
    folder = write_product(floe=FLOE + OF_BATCHES, **models)
    compile_product(folder)
    artifacts = CompiledArtifacts.load(folder)
    events = run(artifacts, "1", "2026-11-02...2026-11-06")
    assert [status for _, status in results_of(events)["by_day"].partitions] == [
        *("success", "error", "success", "error", "success")
    ]
    events = run(artifacts, "1", "2026-11-02...2026-11-06", 2)
    assert succeeded(events)
    retried = [event.key for event in events if isinstance(event, PartitionResult)]
    assert retried == ["2026-11-03", "2026-11-05"]
    days = {row[2].date().isoformat() for row in rows_of(folder / "shop.duckdb")["by_day"]}  # type: ignore[attr-defined]
    assert days == set(days_from("2026-11-02", "2026-11-06"))


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"partitions": "2026-10-01"}, "partition 2026-10-01 is before the first partition"),
        (
            {"partitions": "2026-11-01", "full_refresh": True},
            "a full refresh of partitioned nodes would keep the partitions of this run alone",
        ),
    ],
)
def test_a_run_that_cannot_be_is_refused_before_anything_runs(
    write_product: WriteProduct, tmp_path: Path, parameters: dict[str, object], text: str
) -> None:
    artifacts, _ = write(write_product, tmp_path)
    request = BuildRequest("shop", "1", parameters=RunParameters.given(parameters))
    with pytest.raises(UsageError, match=text):
        list(build(artifacts, request))
    assert not (artifacts.folder / "shop.duckdb").exists()


def test_a_product_without_partitions_has_none_to_build(write_product: WriteProduct) -> None:
    folder = write_product()
    compile_product(folder)
    with pytest.raises(UsageError, match="shop has no partitions, such as 2026-11-01"):
        run(CompiledArtifacts.load(folder), "1", "2026-11-01")


def status(artifacts: CompiledArtifacts, first: str, last: str) -> dict[str, list[PartitionStatus]]:
    assert artifacts.partitions is not None
    found = statuses_of(
        artifacts,
        store_of(artifacts).read(artifacts.partitions),
        artifacts.partitions.node_ids,
        days_from(first, last),
    )
    return {node_id.split(".")[2]: each for node_id, each in found.items()}


def test_each_run_records_what_it_has_built(write_product: WriteProduct, tmp_path: Path) -> None:
    fails = failing(MODELS["daily"], {"2026-11-02": [1]})
    artifacts, _ = write(write_product, tmp_path, daily=fails)
    run(artifacts, "1", "2026-11-01...2026-11-03")
    assert status(artifacts, "2026-11-01", "2026-11-04") == {
        "by_day": ["done", "done", "done", "missing"],
        "daily": ["done", "failed", "done", "missing"],
        "unique_daily_day": ["done", "missing", "done", "missing"],
        "wide": ["done", "missing", "done", "missing"],
    }
    run(artifacts, "1", "2026-11-01...2026-11-03", 2)
    assert {tuple(each) for each in status(artifacts, "2026-11-01", "2026-11-03").values()} == {
        ("done", "done", "done")
    }
    # A day built again makes stale what reads it; other code makes stale all days of a node.
    request = BuildRequest(
        "shop",
        "2",
        node_ids=("model.shop.daily",),
        parameters=RunParameters(partitions="2026-11-03"),
    )
    list(build(artifacts, request))
    assert status(artifacts, "2026-11-01", "2026-11-03")["wide"] == ["done", "done", "stale"]
    (artifacts.folder / "models" / "by_day.sql").write_text(MODELS["by_day"] + " where true")
    compile_product(artifacts.folder)
    changed = CompiledArtifacts.load(artifacts.folder)
    found = status(changed, "2026-11-01", "2026-11-03")
    assert (found["by_day"], found["daily"]) == (["stale"] * 3, ["done"] * 3)


def test_a_run_that_is_canceled_has_recorded_the_days_before(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    artifacts, _ = write(write_product, tmp_path)
    parameters = RunParameters(partitions="2026-11-01...2026-11-09")
    events = build(artifacts, BuildRequest("shop", "1", parameters=parameters))
    for event in events:
        if isinstance(event, PartitionResult) and event.key == "2026-11-03":
            break
    events.close()
    found = status(artifacts, "2026-11-01", "2026-11-09")
    assert all(each[:2] == ["done", "done"] for each in found.values())
    assert all(each[4:] == ["missing"] * 5 for each in found.values())
    # The next attempt builds what is left.
    again = run(artifacts, "1", "2026-11-01...2026-11-09", 2)
    assert succeeded(again)
    retried = {e.key for e in again if isinstance(e, PartitionResult)}
    assert retried.isdisjoint(["2026-11-01", "2026-11-02"])
    assert set(status(artifacts, "2026-11-01", "2026-11-09")["wide"]) == {"done"}


def test_a_run_with_empty_records_nothing(write_product: WriteProduct, tmp_path: Path) -> None:
    artifacts, _ = write(write_product, tmp_path)
    parameters = RunParameters(partitions="2026-11-01", empty=True)
    assert succeeded(list(build(artifacts, BuildRequest("shop", "1", parameters=parameters))))
    assert status(artifacts, "2026-11-01", "2026-11-01")["daily"] == ["missing"]


# A build in a process of its own, as a plugin makes it.
BUILD = """\
import sys, time
from floe_core.execution import BuildRequest, RunParameters, build
from floe_core.schemas import CompiledArtifacts
parameters = RunParameters(partitions="2026-11-01...2026-11-20")
for event in build(CompiledArtifacts.load(sys.argv[1]), BuildRequest("shop", "1", parameters=parameters)):
    print(getattr(event, "key", ""), time.time(), flush=True)
"""


def test_a_run_that_is_killed_has_recorded_the_days_before_and_is_retried_from_there(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    artifacts, plain = write(write_product, tmp_path, wide=MODELS["daily"])
    words = [sys.executable, "-c", BUILD, str(artifacts.folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            # A second has passed since the first days, at the latest.
            if line.startswith("2026-11-16"):
                process.kill()
                break
    found = status(artifacts, "2026-11-01", "2026-11-20")
    assert all(each[0] == "done" for each in found.values())
    assert all(each[17:] == ["missing"] * 3 for each in found.values())
    events = run(artifacts, "1", "2026-11-01...2026-11-20", 2)
    assert succeeded(events)
    built = [event.key for event in events if isinstance(event, PartitionResult)]
    assert min(built) >= "2026-11-15"
    days = days_from("2026-11-01", "2026-11-20")
    assert results_of(events)["daily"].partitions == tuple((day, "success") for day in days)
    plain.build(days, attempt=2)
    same_tables(artifacts, plain)


def test_what_was_built_before_a_long_node_is_recorded_while_that_runs(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    waits = " and (select count(*) from read_csv('pipe', columns={'a': 'int'})) >= 0 group by 1"
    long = MODELS["daily"].replace(" group by 1", waits) + " -- {{ ref('daily') }}"
    artifacts, _ = write(write_product, tmp_path, wide=long)
    os.mkfifo(artifacts.folder / "pipe")

    def found() -> dict[str, list[PartitionStatus]]:
        return status(artifacts, "2026-11-01", "2026-11-01")

    words = [sys.executable, "-c", BUILD, str(artifacts.folder)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: [*found().values()].count(["done"]) == 3)
        finally:
            process.kill()
    assert found()["wide"] == ["missing"]


def test_machines_share_states_in_postgresql(
    write_product: WriteProduct, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with own_database() as name:
        user, place = SERVER["user"], f"{SERVER['host']}:{SERVER['port']}"
        url = f"postgresql://{user}:{SERVER['password']}@{place}/{name}"
        monkeypatch.setenv("FLOE_PARTITION_STORE", url)
        artifacts, _ = write(write_product, tmp_path)
        assert succeeded(run(artifacts, "1", "2026-11-01...2026-11-02"))
        # Another machine has another folder for its own state.
        monkeypatch.setenv("FLOE_STATE_DIR", str(tmp_path / "elsewhere"))
        found = status(artifacts, "2026-11-01", "2026-11-03")
        assert set(map(tuple, found.values())) == {("done", "done", "missing")}
        assert str(SERVER["password"]) not in store_of(artifacts).place
    assert not (artifacts.folder / ".floe" / "partitions").exists()


@pytest.mark.parametrize("comes_back", [True, False])
def test_states_wait_for_a_store_that_is_away_and_else_the_run_says_so(
    write_product: WriteProduct,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    comes_back: bool,
) -> None:
    artifacts, _ = write(write_product, tmp_path)
    store, away = tmp_path / "store", tmp_path / "away"
    store.mkdir()
    monkeypatch.setenv("FLOE_PARTITION_STORE", str(store))
    told: list[str] = []
    parameters = RunParameters(partitions="2026-11-01...2026-11-02")
    for event in build(artifacts, BuildRequest("shop", "1", parameters=parameters)):
        if isinstance(event, PartitionResult) and not away.exists():
            store.rename(away)
            # Longer than it takes until what is kept is written.
            time.sleep(1.5)
        elif isinstance(event, NodeResult) and event.unique_id == "model.shop.total" and comes_back:
            away.rename(store)
        elif isinstance(event, NodeLog) and event.is_from_floe:
            told.append(event.text.partition(": ")[0])
    if not comes_back:
        assert not store.exists()
        away.rename(store)
    found = status(artifacts, "2026-11-01", "2026-11-02")
    assert {state for states in found.values() for state in states} == {
        "done" if comes_back else "missing"
    }
    assert told == ([] if comes_back else ["the states of partitions are not recorded"])


def test_a_build_says_that_it_does_not_wait_for_other_machines(
    write_product: WriteProduct, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts, _ = write(write_product, tmp_path)
    monkeypatch.setenv("FLOE_PARTITION_STORE", str(tmp_path / "away"))
    events = run(artifacts, "1", "2026-11-01")
    told = [each.text for each in events if isinstance(each, NodeLog) and each.is_from_floe]
    why = f"there is no folder {tmp_path / 'away'}; mount its disk, or create it"
    assert [text.endswith(why) for text in told] == [True, True]
    assert told[0].startswith("builds on other machines may build the same partitions: ")


def test_a_build_whose_turn_another_one_took_builds_no_further_batch(
    write_product: WriteProduct, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a minute and a half without the store: all batches are one call of dbt."""
    folder = write_product(floe=FLOE + OF_BATCHES, **BATCHES)
    compile_product(folder)
    artifacts = CompiledArtifacts.load(folder)
    (tmp_path / "store").mkdir()
    monkeypatch.setenv("FLOE_PARTITION_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("floe_core.storage.shared_lease.RENEW_SECONDS", 0.1)
    request = BuildRequest("shop", "1", parameters=RunParameters(partitions=MONTH))
    events = build(artifacts, request)
    while not (isinstance(event := next(events), NodeStarted) and "by_day" in event.unique_id):
        pass
    found = (tmp_path / "store").glob("*.build*")
    [lease] = [each for each in found if each.suffix != ".lock"]
    with FileLock(f"{lease}.lock"):
        lease.write_text('{"token": "of another", "holder": "other", "number": 1}')
    with pytest.raises(EnvironmentProblemError, match="another build may build partitions of shop"):
        list(events)
    days = {row[2] for row in rows_of(folder / "shop.duckdb")["by_day"]}
    assert len(days) < 30


def test_machines_that_share_a_store_build_partitions_one_after_the_other(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    artifacts, _ = write(write_product, tmp_path)
    # Another machine's copy, with a warehouse that does not keep the two apart.
    other = tmp_path / "other"
    shutil.copytree(artifacts.folder, other, ignore=shutil.ignore_patterns(".floe", "*.duckdb*"))
    (tmp_path / "store").mkdir()
    store = {**os.environ, "FLOE_PARTITION_STORE": str(tmp_path / "store")}
    builds = [
        subprocess.Popen(
            [sys.executable, "-c", BUILD, str(folder)], stdout=subprocess.PIPE, text=True, env=store
        )
        for folder in (artifacts.folder, other)
    ]
    told = [sorted(each.communicate(timeout=600)[0].split("\n")) for each in builds]
    assert [each.returncode for each in builds] == [0, 0]
    times = sorted(
        (float(line.split()[1]), number)
        for number, lines in enumerate(told)
        for line in lines
        if line.startswith("2026-11-")
    )
    numbers = [number for _, number in times]
    assert numbers in (sorted(numbers), sorted(numbers, reverse=True))
    assert set(numbers) == {0, 1}
