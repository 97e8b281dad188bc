"""The run of a tick beside other runs of its schedule, which Dagster's queue did not hold back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from dagster import DagsterEvent, DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.test_utils import create_run_for_test, instance_for_test
from schedule_records import run_in_location

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.internals import execute_with_origin
from floe_orchestrator_dagster.loader import load_product_definitions
from floe_orchestrator_dagster.ticks import turn_of_run

FILES = {"models/first.sql": "select 1 as id"}
SCHEDULE = 'schedule: {cron: "* * * * *", timezone: UTC, catchup: CATCHUP}\n'
EARLIER, TICK, LATER = (f"2026-11-30T13:{minute}:00+00:00" for minute in (50, 51, 52))
NOT_STARTED, QUEUED, STARTED, SUCCESS, FAILED = (
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.SUCCESS,
    DagsterRunStatus.FAILURE,
)
Tags = dict[str, str]
Make = Callable[[str], CompiledArtifacts]


def of_tick(tick: str) -> Tags:
    return {
        "dagster/schedule_name": "web_shop_schedule",
        "floe/nominal_time": tick,
        "floe/product": "web-shop",
    }


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn_of_run, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(turn_of_run, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(turn_of_run, "QUEUE_SECONDS", 0.5)


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(scope="module")
def made(compiled: Callable[..., CompiledArtifacts]) -> Make:
    found = {word: compiled(FILES, SCHEDULE.replace("CATCHUP", word)) for word in ("false", "true")}
    return found.__getitem__


def other(instance: DagsterInstance, status: DagsterRunStatus, tags: Tags) -> str:
    """Create a run, and return its id."""
    if status is QUEUED:
        return run_in_location(instance, "shop", QUEUED, tags, "web_shop").run_id
    return begin(instance, create_run_for_test(instance, job_name="web_shop", tags=tags), status)


def begin(instance: DagsterInstance, run: DagsterRun, status: DagsterRunStatus) -> str:
    events = {
        STARTED: ("PIPELINE_START",),
        SUCCESS: ("PIPELINE_START", "PIPELINE_SUCCESS"),
        FAILED: ("PIPELINE_START", "PIPELINE_FAILURE"),
    }
    for kind in events[status]:
        instance.report_dagster_event(DagsterEvent(kind, "web_shop"), run.run_id)
    return run.run_id


def run(instance: DagsterInstance, artifacts: CompiledArtifacts, tags: Tags) -> tuple[bool, str]:
    """Run the job, and return whether it succeeded, and its failure or its warnings."""
    job = load_product_definitions("web-shop", artifacts.folder).resolve_job_def("web_shop")
    done = job.execute_in_process(instance=instance, raise_on_error=False, tags=tags)
    if not done.success:
        [failed] = [e for e in done.all_events if e.event_type_value == "STEP_FAILURE"]
        return False, str(failed.step_failure_data.user_failure_data.description)
    logged = instance.all_logs(done.run_id)
    warned = [entry.message for entry in logged if entry.level == logging.WARNING]
    return True, "\n".join(warned)


def test_the_run_of_an_earlier_tick_that_does_not_end_is_named(
    instance: DagsterInstance, made: Make
) -> None:
    earlier = other(instance, STARTED, of_tick(EARLIER))
    assert run(instance, made("false"), of_tick(TICK)) == (
        False,
        f"nothing is built: run {earlier}, of the tick {EARLIER}, has not ended for 1 s; "
        "terminate it if it is dead",
    )


@pytest.mark.parametrize("status", [STARTED, SUCCESS])
def test_a_later_tick_that_started_before_replaces_this_one(
    instance: DagsterInstance, made: Make, status: DagsterRunStatus
) -> None:
    other(instance, status, of_tick(LATER))
    succeeded, why = run(instance, made("false"), of_tick(TICK))
    assert not succeeded
    assert why == (
        f"nothing is built: the run of the later tick {LATER} had started before this run, and "
        "replaces it; with a limit for the tag floe/product in dagster.yaml, runs wait in Dagster's "
        "queue"
    )
    [own] = instance.get_runs(limit=1)
    assert own.tags["floe/replaced_by"] == LATER


def test_with_catchup_it_runs_and_says_so(instance: DagsterInstance, made: Make) -> None:
    other(instance, STARTED, of_tick(LATER))
    assert run(instance, made("true"), of_tick(TICK)) == (
        True,
        f"the run of the later tick {LATER} had started before this run",
    )


def test_with_catchup_it_waits_for_the_run_of_a_later_tick_that_builds(
    instance: DagsterInstance, made: Make
) -> None:
    later = other(instance, STARTED, of_tick(LATER))
    instance.add_run_tags(later, {"floe/turn": later})
    assert run(instance, made("true"), of_tick(TICK)) == (
        False,
        f"nothing is built: run {later}, of the tick {LATER}, has not ended for 1 s; "
        "terminate it if it is dead",
    )


def test_a_run_executed_again_has_not_the_turn_of_the_first_one(
    instance: DagsterInstance, made: Make
) -> None:
    """Dagster gives it a copy of all tags."""
    other(instance, STARTED, {**of_tick(LATER), "floe/turn": "the-first-one builds"})
    assert run(instance, made("true"), of_tick(TICK))[0]


def test_a_run_that_builds_waits_for_no_other_before_its_next_step(
    instance: DagsterInstance, made: Make
) -> None:
    """That one waits for it."""
    other(instance, STARTED, of_tick(EARLIER))
    run_id = str(uuid4())
    tags = {**of_tick(TICK), "floe/turn": f"{run_id} builds"}
    job = load_product_definitions("web-shop", made("true").folder).resolve_job_def("web_shop")
    assert job.execute_in_process(instance=instance, run_id=run_id, tags=tags).success


RETRY = {"dagster/retry_number": "1"}
WILL_RETRY = {"dagster/will_retry": "true"}
RETRIED = {**WILL_RETRY, "dagster/auto_retry_run_id": "another"}
RUN_RETRIES = {"run_retries": {"enabled": True, "retry_on_asset_or_op_failure": False}}


@pytest.mark.parametrize(("status", "tags"), [(FAILED, WILL_RETRY), (QUEUED, RETRY)])
def test_a_run_waits_for_the_retry_of_an_earlier_tick(
    instance: DagsterInstance, made: Make, status: DagsterRunStatus, tags: Tags
) -> None:
    earlier = other(instance, status, {**of_tick(EARLIER), **tags})
    assert run(instance, made("false"), of_tick(TICK)) == (
        False,
        f"nothing is built: run {earlier}, of the tick {EARLIER}, has not ended for 1 s; "
        "terminate it if it is dead",
    )


def test_it_does_not_wait_for_a_retry_that_has_not_come_for_minutes(
    instance: DagsterInstance, made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn_of_run, "RETRY_SECONDS", 0.0)
    other(instance, FAILED, {**of_tick(EARLIER), **WILL_RETRY})
    assert run(instance, made("false"), of_tick(TICK)) == (True, "")


@pytest.mark.parametrize("given", [{}, {"dagster/retry_on_asset_or_op_failure": "true"}])
def test_it_gives_way_to_a_retry_in_the_queue_and_is_retried_itself(
    made: Make, given: Tags
) -> None:
    with instance_for_test(RUN_RETRIES) as instance:
        earlier = other(instance, QUEUED, {**of_tick(EARLIER), **RETRY})
        tags = {**of_tick(TICK), "dagster/priority": "high", "dagster/max_retries": "0", **given}
        assert run(instance, made("false"), tags) == (
            False,
            f"nothing is built: run {earlier}, of the tick {EARLIER}, goes first; it waits in "
            "Dagster's queue, and Dagster retries this run after it",
        )
        own, first = instance.get_runs()
        assert first.tags["dagster/priority"] == own.tags["dagster/priority"] == "1"
        assert own.tags["dagster/max_retries"] == "1"
        assert own.tags["dagster/will_retry"] == "true"

        # Its retry has a copy of the tags, and fails as this run would have.
        instance.delete_run(earlier)
        again = {key: value for key, value in own.tags.items() if key != "dagster/will_retry"}
        assert run(instance, made("false"), {**again, **RETRY}) == (True, "")
        [retry] = instance.get_runs(limit=1)
        key = "dagster/retry_on_asset_or_op_failure"
        assert retry.tags[key] == given.get(key, "false")


def test_it_gives_way_only_some_times(made: Make) -> None:
    with instance_for_test(RUN_RETRIES) as instance:
        earlier = other(instance, QUEUED, {**of_tick(EARLIER), **RETRY})
        succeeded, why = run(instance, made("false"), {**of_tick(TICK), "floe/gave_way": "3"})
        assert (succeeded, f"run {earlier}, of the tick {EARLIER}, has not ended" in why) == (
            False,
            True,
        )


@pytest.mark.parametrize(
    ("status", "tags"),
    [
        (FAILED, of_tick(EARLIER)),
        (FAILED, {**of_tick(EARLIER), **RETRIED}),
        (FAILED, {**of_tick(LATER), **WILL_RETRY}),
        (QUEUED, of_tick(EARLIER)),
        (FAILED, of_tick(LATER)),
        (SUCCESS, of_tick(EARLIER)),
        (STARTED, of_tick(TICK)),
        (STARTED, {**of_tick(EARLIER), "floe/product": "other"}),
        (STARTED, {**of_tick(LATER), "dagster/schedule_name": "other"}),
        (STARTED, {"floe/product": "web-shop"}),
    ],
)
def test_other_runs_hold_nothing_back(
    instance: DagsterInstance, made: Make, status: DagsterRunStatus, tags: Tags
) -> None:
    other(instance, status, tags)
    assert run(instance, made("false"), of_tick(TICK)) == (True, "")


def test_a_run_by_hand_waits_for_none(instance: DagsterInstance, made: Make) -> None:
    other(instance, STARTED, of_tick(EARLIER))
    other(instance, STARTED, of_tick(LATER))
    assert run(instance, made("false"), {}) == (True, "")


@pytest.mark.parametrize(("location", "expected"), [("other", "SUCCESS"), ("shop", "FAILURE")])
def test_only_runs_of_its_own_code_location_hold_it_back(
    made: Make, location: str, expected: str
) -> None:
    """The other one holds the same product, as for another environment."""
    artifacts = made("false")
    job = load_product_definitions("web-shop", artifacts.folder).resolve_job_def("web_shop")
    with instance_for_test() as instance:
        for tick in (EARLIER, LATER):
            tags = of_tick(tick)
            begun = run_in_location(instance, location, NOT_STARTED, tags, "web_shop")
            begin(instance, begun, STARTED)
        run_id = str(uuid4())
        assert execute_with_origin(
            instance,
            job,
            run_id=run_id,
            selection=None,
            tags=of_tick(TICK),
            run_config={},
            code_location=("shop", artifacts.folder / "definitions.py"),
        )
        done = instance.get_run_by_id(run_id)
    assert done is not None
    assert done.status.value == expected
