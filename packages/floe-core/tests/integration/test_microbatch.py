"""Microbatch models build the batches that plain dbt builds at the time that a run is for."""

from __future__ import annotations

import json
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alert_receiver import AlertReceiver
from microbatch_product import FAILING, PlainDbt, days_of, models, rows_of
from plain_shop import FLOE
from warm_floe import dbt, floe

from floe_core.alerts.alert import first_error_line
from floe_core.compiler import compile_product
from floe_core.execution import BuildEnded, BuildRequest, NodeResult, RunParameters, build
from floe_core.runs.build_events import failure_text
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]

DBT = Path(sys.executable).parent / "dbt"
AS_PROGRAM = FLOE + f"execution: {{dbtExecutable: {DBT}}}\n"


def compiled(folder: Path) -> CompiledArtifacts:
    compile_product(folder)
    return CompiledArtifacts.load(folder)


def end_of(artifacts: CompiledArtifacts, request: BuildRequest) -> BuildEnded:
    """Build, and return how that ended."""
    *_, end = build(artifacts, request)
    assert isinstance(end, BuildEnded)
    return end


def ticks_of(seed: int) -> Iterator[datetime]:
    """Yield times of any order, on the boundaries of batches and between them."""
    drawn = random.Random(seed)
    for start in ("2026-11-03", "2026-11-04", "2026-10-31"):
        day = datetime.fromisoformat(start).replace(tzinfo=UTC)
        yield day + timedelta(minutes=drawn.choice([0, 1, 60, 90, 12 * 60, 23 * 60 + 59]))


@pytest.mark.parametrize(("floe", "seed"), [(FLOE, 1), (AS_PROGRAM, 2)])
def test_a_run_builds_the_batches_of_its_tick(
    write_product: WriteProduct, tmp_path: Path, floe: str, seed: int
) -> None:
    folder, plain = write_product(floe=floe, **models()), PlainDbt(tmp_path / "plain")
    artifacts = compiled(folder)
    for number, tick in enumerate(ticks_of(seed)):
        refreshes = number == 1
        parameters = RunParameters(full_refresh=refreshes)
        end = end_of(
            artifacts, BuildRequest("shop", str(number), nominal_time=tick, parameters=parameters)
        )
        assert end.succeeded, end.message
        plain.build(tick, full_refresh=refreshes)
        found, expected = rows_of(folder / "shop.duckdb"), rows_of(plain.folder / "shop.duckdb")
        assert {name for name in found if found[name] != expected[name]} == set(), tick


TICK = datetime(2026, 11, 2, 2, tzinfo=UTC)


@pytest.mark.parametrize("floe", [FLOE, AS_PROGRAM])
def test_a_retry_builds_the_batches_that_failed_as_dbt_retry_does(
    write_product: WriteProduct, tmp_path: Path, floe: str
) -> None:
    product = write_product(floe=floe, events=models()["events"], by_day=FAILING)
    artifacts, plain = compiled(product), tmp_path / "plain"
    shutil.copytree(product, plain)
    times = ["--event-time-start", "2026-10-28", "--event-time-end", "2026-11-03"]
    for attempt in (1, 2, 3):
        end = end_of(artifacts, BuildRequest("shop", "retried", attempt=attempt, nominal_time=TICK))
        assert end.succeeded == (attempt == 3)
        call = ["build", *times] if attempt == 1 else ["retry"]
        said = ["--profiles-dir", ".", "--vars", f"{{floe_attempt: {attempt}}}"]
        dbt(*call, *said, cwd=plain, check=False, FLOE_PROJECT_DIR=str(plain))
        assert days_of(product / "shop.duckdb") == days_of(plain / "shop.duckdb")
    expected = {"2026-10-28": 1, "2026-10-29": 2, "2026-10-30": 1, "2026-10-31": 3}
    assert days_of(product / "shop.duckdb") == {**expected, "2026-11-01": 1, "2026-11-02": 1}


def test_a_failed_batch_is_named_with_its_error(write_product: WriteProduct) -> None:
    artifacts = compiled(write_product(events=models()["events"], by_day=FAILING))
    events = list(build(artifacts, BuildRequest("shop", "1", nominal_time=TICK)))
    [result] = [e for e in events if isinstance(e, NodeResult) and not e.passed]
    first, *_, last = result.message.splitlines()
    assert first.startswith("batches 2026-10-29, 2026-10-31: Binder Error: Referenced column")
    # What an alert shows of it.
    assert first_error_line(result) == first
    assert (last, result.built_batches) == ("PARTIAL SUCCESS (4/6)", 4)
    assert result.failed_batches == ("2026-10-29", "2026-10-31")


def test_json_names_a_failed_batch_with_its_error(write_product: WriteProduct) -> None:
    folder = write_product(events=models()["events"], by_day=FAILING)
    done = floe("run", folder, "--on", "dagster", "--json", "--log-format", "json")
    assert done.returncode == 1, done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    [logged] = [x for x in lines if x["event"] == "node_result" and x["level"] == "error"]
    report = json.loads(done.stdout)
    assert logged["failed_batches"] == ["2026-10-29", "2026-10-31"]
    for message in (logged["message"], report["errors"]["model.shop.by_day"]):
        error = "batches 2026-10-29, 2026-10-31: Binder Error: Referenced column"
        assert message.startswith(error)


@pytest.mark.parametrize("more", [{}, {f"2026-11-{day:02}": f"c{day}" for day in range(1, 8)}])
def test_batches_that_fail_with_different_errors_are_named_each(
    write_product: WriteProduct, receiver: AlertReceiver, more: dict[str, str]
) -> None:
    failing = {"2026-10-29": "no_such_column", "2026-10-31": "another", **more}
    by_day = FAILING.replace(
        '{{ "no_such_column" if name in failing else "true" }}',
        f"{{{{ {failing}.get(name, 'true') }}}}",
    )
    floe = FLOE + """alerts: [{on: [failure], to: "{{ env_var('SHOP_ALERTS') }}"}]\n"""
    artifacts = compiled(write_product(floe=floe, events=models()["events"], by_day=by_day))
    tick = TICK + timedelta(days=8)
    events = list(build(artifacts, BuildRequest("shop", "1", nominal_time=tick)))
    [result] = [e for e in events if isinstance(e, NodeResult) and not e.passed]
    assert result.failed_batches == (*failing,)
    failure = failure_text(e for e in events if isinstance(e, NodeResult))
    receiver.wait_for(1)
    alert = receiver.posted[0]["message"].splitlines()
    shown = dict([*failing.items()][:5])
    for told in (result.message.splitlines(), failure.splitlines(), alert):
        lines = [line.removeprefix("model.shop.by_day:").strip() for line in told]
        named = [line for line in lines if line.startswith("batch")]
        assert [line.split(":")[0] for line in named[: len(shown)]] == [f"batch {x}" for x in shown]
        assert all(
            f'"{column}" not' in line for column, line in zip(shown.values(), named, strict=False)
        )
        others = ["batches 2026-11-04, 2026-11-05, 2026-11-06, 2026-11-07: other errors"]
        assert named[len(shown) :] == (others if more else [])


def test_if_the_first_batch_fails_the_others_are_named_as_skipped(
    write_product: WriteProduct,
) -> None:
    first = FAILING.replace('["2026-10-29", "2026-10-31"]', '["2026-10-28"]')
    artifacts = compiled(write_product(events=models()["events"], by_day=first))
    for attempt in (1, 2):
        request = BuildRequest("shop", "1", attempt=attempt, nominal_time=TICK)
        events = list(build(artifacts, request))
        [result] = [e for e in events if isinstance(e, NodeResult) and not e.passed]
        if attempt == 1:
            assert result.message.startswith("batch 2026-10-28: Binder Error")
            assert result.message.splitlines()[-2:] == [
                "batches 2026-10-29, 2026-10-30, 2026-10-31, 2026-11-01, 2026-11-02: skipped",
                "ERROR",
            ]
    # Without a batch that was built, all are built anew.
    assert (result.built_batches, result.failed_batches) == (5, ("2026-10-31",))


def test_no_batch_is_lost_when_a_table_that_is_built_anew_is_retried(
    write_product: WriteProduct,
) -> None:
    product = write_product(events=models()["events"], by_day=FAILING)
    artifacts, anew = compiled(product), RunParameters(full_refresh=True)
    for attempt in (1, 2, 3):
        end_of(
            artifacts,
            BuildRequest("shop", "retried", attempt=attempt, nominal_time=TICK, parameters=anew),
        )
    assert set(days_of(product / "shop.duckdb").values()) == {3}
    assert len(days_of(product / "shop.duckdb")) == 6


def test_a_retry_is_for_the_time_of_the_first_attempt(write_product: WriteProduct) -> None:
    product = write_product(events=models()["events"], by_day=FAILING)
    failed = NodeResult("model.shop.events", "error", started_at=TICK)
    retry = BuildRequest("shop", "by-hand", attempt=3, resume=False, unfinished=(failed,))
    assert end_of(compiled(product), retry).succeeded
    assert max(days_of(product / "shop.duckdb")) == "2026-11-02"


def test_a_program_that_does_not_take_the_time_builds_no_batch(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    wrapper = tmp_path / "dbt"
    wrapper.write_text(f'#!/bin/sh\nunset PYTHONPATH\nexec {DBT} "$@"\n')
    wrapper.chmod(0o755)
    given = {name: models()[name] for name in ("events", "of_day")}
    product = write_product(floe=FLOE + f"execution: {{dbtExecutable: {wrapper}}}\n", **given)
    artifacts = compiled(product)
    tick = datetime(2026, 11, 3, 2, tzinfo=UTC)
    late = end_of(artifacts, BuildRequest("shop", "late", nominal_time=tick))
    assert not late.succeeded
    assert "cannot build the batches of another time than now" in late.message
    assert end_of(artifacts, BuildRequest("shop", "by-hand")).succeeded
