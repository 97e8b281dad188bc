"""What does not work without each of the names that floe borrows from Dagster, and what still does."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
from borrowed_names import borrowed_names, without, without_attribute
from dagster import AssetKey, DagsterInstance, DagsterRunStatus
from dagster._core.storage import tags as tags_of_dagster
from dagster._core.storage.event_log import SqliteEventLogStorage
from schedule_records import NAME, ScheduleRecords

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.lazy_names import warn_of_missing_name
from floe_core.plugin_api.launched_run.run_order import RunOrder
from floe_core.plugin_api.powers import RunOptions
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Schedule
from floe_orchestrator_dagster import internals
from floe_orchestrator_dagster.local.run_execution import execute_run
from floe_orchestrator_dagster.names.asset_map import asset_map_of
from floe_orchestrator_dagster.ticks import dagster_cron, schedules
from floe_orchestrator_dagster.ticks.schedules import dagster_ticks

ALL = borrowed_names(Path(internals.__file__), "dagster")
OF_MOMENTS = [
    ("dagster._check", "CheckError"),
    ("dagster._utils.schedules", "schedule_execution_time_iterator"),
]
OF_EVENT_LOG = [
    ("dagster._core.storage.event_log", "SqlEventLogStorage"),
    ("dagster._core.storage.event_log", "SqliteEventLogStorage"),
]
OF_STEP = [
    ("dagster._core.executor.child_process_executor", "_execute_command_in_child_process"),
]
OF_LAUNCH = sorted({*ALL} - {*OF_MOMENTS, *OF_EVENT_LOG, *OF_STEP})
TODAY = datetime(2026, 6, 1, tzinfo=UTC)
FILES = {
    "models/orders.sql": "select 1 as id",
    "models/other.sql": "select 1 as id",
    "models/schema.yml": "models: [{name: orders, columns: [{name: id, tests: [not_null]}]}]",
}
IN_UTC = ["0 5 * 3,4,5,6,7,8,9,10 *", "0 6 * 1,2,3,10,11,12 *"]


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    warn_of_missing_name.cache_clear()
    yield
    schedules._choose_cron.cache_clear()


@pytest.fixture
def shop(compiled) -> CompiledArtifacts:
    return compiled(FILES, 'schedule: {cron: "0 6 * * *", timezone: Europe/London}')


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[DagsterInstance]:
    with DagsterInstance.local_temp(str(tmp_path)) as made:
        yield made


def given(cron: str, zone: str) -> tuple[str | list[str], str]:
    schedules._choose_cron.cache_clear()
    return schedules.cron_for_dagster(Schedule(cron=cron, timezone=zone), TODAY)


def test_the_tags_are_dagsters() -> None:
    for name in ("RESUME_RETRY_TAG", "SCHEDULE_NAME_TAG", "SCHEDULED_EXECUTION_TIME_TAG"):
        assert getattr(internals, name) == getattr(tags_of_dagster, name)


@pytest.mark.parametrize("name", OF_MOMENTS)
def test_without_its_moments_dagster_gets_utc_where_clocks_change(
    name: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    assert given("0 6 * * *", "Europe/London") == ("0 6 * * *", "Europe/London")
    with without(*name):
        assert given("0 6 * * *", "Europe/London") == (IN_UTC, "UTC")
        assert given("0 6 * * *", "UTC") == ("0 6 * * *", "UTC")
    [warning] = caplog.messages
    assert "schedules around clock changes are given to it in UTC" in warning


@pytest.mark.parametrize("name", OF_MOMENTS)
def test_without_its_moments_dagsters_ticks_are_not_told(
    name: tuple[str, str], shop: CompiledArtifacts
) -> None:
    schedule = shop.job("web-shop").schedule
    assert schedule is not None
    day = datetime(2026, 6, 2, tzinfo=UTC)
    assert list(dagster_ticks(schedule, TODAY, day)) == [datetime(2026, 6, 1, 5, tzinfo=UTC)]
    with without(*name), pytest.raises(EnvironmentProblemError, match="does not expose the ticks"):
        list(dagster_ticks(schedule, TODAY, day))


def test_what_dagster_cannot_read_is_told_apart() -> None:
    spans = dagster_cron.spans_of_change("America/Havana", 2026)
    told = [dagster_cron._ticks_of_dagster("30 0 * * *", "America/Havana", *span) for span in spans]
    assert all(told)


@pytest.mark.parametrize("name", ["all_instigator_state", "get_ticks"])
def test_without_its_records_no_missed_tick_is_known_nor_which_runs_to_replace(
    name: str, instance: DagsterInstance
) -> None:
    tick_id = int(ScheduleRecords(instance).tick(TODAY)[-1])
    assert internals.repository_of_tick(instance, NAME, tick_id) == "__repository__@shop"
    assert internals.last_look(instance, NAME, TODAY, tick_id) is not None
    with without_attribute(DagsterInstance, name):
        assert internals.last_look(instance, NAME, TODAY, tick_id) is None
        assert internals.repository_of_tick(instance, NAME, tick_id) == ""


@pytest.mark.parametrize("name", OF_EVENT_LOG)
def test_without_the_classes_of_the_event_log_it_is_left_alone(
    name: tuple[str, str], instance: DagsterInstance, caplog: pytest.LogCaptureFixture
) -> None:
    with without(*name):
        assert _replaced(instance) == set()
    assert [message for message in caplog.messages if "its event log costs more" in message]


@pytest.mark.parametrize("name", [*internals._OF_EVENT_LOG, *internals._OF_SQLITE])
def test_without_a_method_of_the_event_log_what_needs_it_is_left_alone(
    name: str, instance: DagsterInstance, caplog: pytest.LogCaptureFixture
) -> None:
    whole = _replaced(instance)
    assert whole == {"has_table", "_has_asset_key_col_on_connection", "_connect"}
    with _lacking(instance, name):
        less = _replaced(instance)
    assert less < whole
    assert [message for message in caplog.messages if "its event log costs more" in message]


@contextmanager
def _lacking(instance: DagsterInstance, name: str) -> Iterator[None]:
    """Take an attribute away from an event log, whether it is its own or its class's."""
    own = vars(instance.event_log_storage)
    if name not in own:
        with without_attribute(SqliteEventLogStorage, name):
            yield
        return
    value = own.pop(name)
    yield
    own[name] = value


def _replaced(instance: DagsterInstance) -> set[str]:
    before = dict(vars(instance.event_log_storage))
    with internals.lighter_event_log(instance):
        return vars(instance.event_log_storage).keys() - before.keys()


def test_without_the_method_a_step_asks_for_its_keys_each_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    context = SimpleNamespace(get_step_execution_context=lambda: SimpleNamespace())
    internals.compute_output_keys_once(context)
    assert ["thousands of assets" in message for message in caplog.messages] == [True]


@pytest.mark.parametrize("name", OF_STEP)
def test_without_the_function_no_process_is_known_as_a_steps(
    name: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with without(*name):
        assert not internals.is_process_of_step()
    assert ["goes on when its run is killed" in message for message in caplog.messages] == [True]


def the_test(artifacts: CompiledArtifacts) -> str:
    [found] = [node.unique_id for node in artifacts.nodes if node.resource_type == "test"]
    return found


def order_of(artifacts: CompiledArtifacts) -> RunOrder:
    options = RunOptions("web-shop", node_ids=("model.shop.orders", the_test(artifacts)))
    return RunOrder(str(artifacts.project_dir), str(uuid4()), options)


@pytest.mark.parametrize("name", OF_LAUNCH)
def test_without_a_name_of_a_launch_nothing_is_launched(
    name: tuple[str, str], shop: CompiledArtifacts, instance: DagsterInstance
) -> None:
    job = SimpleNamespace(name="web_shop")
    with without(*name):
        is_executed = internals.execute_with_origin(
            instance,
            job,  # type: ignore[arg-type]
            run_id="one",
            selection=None,
            tags={},
            run_config={},
            code_location=("web-shop", Path("definitions.py")),
        )
    assert not is_executed
    assert instance.get_runs() == []


def test_without_them_a_run_executes_the_same_and_has_no_place_of_its_own(
    shop: CompiledArtifacts, instance: DagsterInstance, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "floe")
    asset_map = asset_map_of(shop)
    known = execute_and_read(instance, order_of(shop), shop)
    with without("dagster._core.types.loadable_target_origin", "LoadableTargetOrigin"):
        plain = execute_and_read(instance, order_of(shop), shop)
    expected = (
        DagsterRunStatus.SUCCESS,
        {AssetKey("orders")},
        {asset_map.check_keys[the_test(shop)]},
        "gold",
    )
    assert (known, plain) == ((*expected, True), (*expected, False))
    warnings = [message for message in caplog.messages if "cannot run again" in message]
    assert len(warnings) == 1


def execute_and_read(
    instance: DagsterInstance, order: RunOrder, artifacts: CompiledArtifacts
) -> tuple[object, ...]:
    execute_run(instance, order, artifacts, asset_map_of(artifacts), {"tier": "gold"})
    run = instance.get_run_by_id(order.run_id)
    assert run is not None
    events = [entry.dagster_event for entry in instance.all_logs(order.run_id)]
    built = {e.asset_key for e in events if e and e.is_step_materialization}
    checks = {
        e.asset_check_evaluation_data.asset_check_key
        for e in events
        if e and e.event_type_value == "ASSET_CHECK_EVALUATION"
    }
    return run.status, built, checks, run.tags["tier"], run.remote_job_origin is not None
