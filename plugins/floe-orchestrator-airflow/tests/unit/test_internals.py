from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import borrowed_names
import pytest
import structlog
from airflow.api_fastapi.execution_api import versions
from airflow.api_fastapi.execution_api.routes import execution_api_router
from airflow.sdk.api.datamodels._generated import API_VERSION
from borrowed_names import Name

from floe_core.foundation.lazy_names import warn_of_missing_name
from floe_orchestrator_airflow import internals
from floe_orchestrator_airflow.local import internals as local_internals
from floe_orchestrator_airflow.mirrors import internals as mirror_internals
from floe_orchestrator_airflow.mirrors.internals import wait_until_logs_are_read
from floe_orchestrator_airflow.ticks.missed_ticks import should_run
from floe_orchestrator_airflow.ticks.timetable import FloeTimetable

DAG_RUN = ("airflow.models.dagrun", "DagRun")
TASK_INSTANCE = ("airflow.models.taskinstance", "TaskInstance")
OF_TIMES = [TASK_INSTANCE, ("airflow.models.xcom", "XComModel")]
OF_TRIGGERS = [
    ("airflow.jobs.triggerer_job_runner", "TriggerRunnerSupervisor"),
    ("airflow.sdk.execution_time.task_runner", "RuntimeTaskInstance"),
]
OF_CALLBACKS = [
    ("airflow.callbacks.database_callback_sink", "DatabaseCallbackSink"),
    ("airflow.models.serialized_dag", "SerializedDagModel"),
    ("airflow.models.trigger", "handle_event_submit"),
    ("airflow.triggers.base", "BaseTaskEndEvent"),
]
WARNINGS = {
    **dict.fromkeys(OF_CALLBACKS, "runs with a task per node keep the DAG processor busy"),
    **dict.fromkeys(OF_TIMES, "tasks of nodes show the times of the run, not of the node"),
    **dict.fromkeys(OF_TRIGGERS, "runs with a task per node are slow beyond 100 nodes"),
}
OF_SUPERVISOR = [
    ("airflow.sdk.execution_time", "task_runner"),
    ("airflow.sdk.execution_time.comms", "CommsDecoder"),
]
COUNTS = [("airflow.sdk.execution_time.task_runner", "RuntimeTaskInstance")]
STORED = [
    ("airflow.serialization.decoders", "decode_timetable"),
    ("airflow.serialization.encoders", "encode_timetable"),
    ("airflow.serialization.serialized_objects", "decode_timetable"),
    ("airflow.serialization.serialized_objects", "encode_timetable"),
]
OF_RECORDS = [
    DAG_RUN,
    ("airflow", "settings"),
    ("airflow.jobs.job", "Job"),
    ("airflow.models.dag_version", "DagVersion"),
]
BACKEND = [("airflow.secrets.metastore", "MetastoreBackend")]
UNFINISHED = [DAG_RUN, TASK_INSTANCE, ("airflow.utils.session", "create_session")]
SHARED = [
    ("airflow.models", "dagrun"),
    ("airflow.models", "taskinstance"),
    ("airflow.utils", "db"),
]
OF_SCHEDULER = [("airflow.jobs.scheduler_job_runner", "SchedulerJobRunner")]
EXECUTION_API = [
    ("airflow.api_fastapi.execution_api.app", "create_task_execution_api_app"),
    ("airflow.api_fastapi.execution_api.app", "lifespan"),
]
VERSIONS = [
    ("airflow.api_fastapi.execution_api", "versions"),
    ("airflow.api_fastapi.execution_api.routes", "execution_api_router"),
    ("airflow.sdk.api.datamodels._generated", "API_VERSION"),
    ("cadwyn", "HeadVersion"),
    ("cadwyn", "Version"),
    ("cadwyn", "VersionBundle"),
    ("cadwyn.route_generation", "_DELETED_ROUTE_TAG"),
]
CONF = [("airflow.providers.openlineage", "conf")]
POLICY = [
    ("airflow.providers.openlineage.utils.emission_policy", "resolve_task_emission_policy"),
]


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> None:
    warn_of_missing_name.cache_clear()


def consequences(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message.partition("uses: ")[2] for message in caplog.messages if "lacks" in message]


class Factory:
    """What Airflow configures structlog with in the process of triggers."""

    def __init__(self, channel: socket.socket) -> None:
        self.io = channel.makefile("wb", buffering=0)


@pytest.fixture
def channel() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Give both ends of the channel that log records go through."""
    writing, reading = socket.socketpair()
    structlog.configure(logger_factory=Factory(writing))
    yield writing, reading
    structlog.reset_defaults()
    writing.close()
    reading.close()


def waited(seconds: float) -> float:
    began = time.monotonic()
    asyncio.run(wait_until_logs_are_read(seconds))
    return time.monotonic() - began


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone can say")
def test_a_trigger_waits_until_what_it_logged_is_read(
    channel: tuple[socket.socket, socket.socket],
) -> None:
    writing, reading = channel
    writing.sendall(b"a record\n")
    assert waited(0.3) >= 0.3
    reading.recv(4096)
    waited(300)


@pytest.mark.timeout(120)
def test_it_waits_for_nothing_where_airflow_logs_in_another_way() -> None:
    waited(300)


WITHOUT = """
import sys
from borrowed_names import without
sys.argv = ["airflow", "triggerer"]
with without({name!r}, {attribute!r}):
    from floe_orchestrator_airflow.airflow_plugin import FloePlugin
    FloePlugin.on_load()
"""


@pytest.mark.long
@pytest.mark.parametrize(("name", "warning"), WARNINGS.items())
def test_the_plugin_loads_and_warns_where_airflow_has_other_names(name: Name, warning: str) -> None:
    code = WITHOUT.format(name=name[0], attribute=name[1])
    environment = {**os.environ, "PYTHONPATH": str(Path(borrowed_names.__file__).parent)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert warning in done.stderr + done.stdout


def test_these_are_all_that_are_borrowed() -> None:
    groups = {
        internals: (OF_SUPERVISOR, BACKEND, COUNTS, STORED, OF_RECORDS, CONF, POLICY),
        local_internals: (UNFINISHED, SHARED, OF_SCHEDULER, EXECUTION_API, VERSIONS),
        mirror_internals: (OF_TIMES, OF_TRIGGERS, OF_CALLBACKS),
    }
    found = {
        door: borrowed_names.borrowed_names(Path(str(door.__file__)), "airflow", "cadwyn")
        for door in groups
    }
    expected = {door: {name for each in of for name in each} for door, of in groups.items()}
    assert found == {door: sorted(names) for door, names in expected.items()}


def test_without_the_name_nobody_knows_whether_a_run_is_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with borrowed_names.without(*COUNTS[0]):
        assert internals.count_runs("marts") is None
    assert consequences(caplog) == ["a job may be started for updates that a run has seen"]


@pytest.mark.parametrize("name", OF_SUPERVISOR)
def test_without_its_supervisors_names_a_task_is_none_of_one(
    name: Name, caplog: pytest.LogCaptureFixture
) -> None:
    with borrowed_names.without(*name):
        assert not internals.is_run_by_supervisor()
    assert consequences(caplog) == ["a task goes on when its supervisor is killed"]


def test_without_the_serialisation_a_timetable_stays_what_it_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    timetable = FloeTimetable("0 6 * * *", "UTC")
    assert internals.as_stored(timetable) is not timetable
    with ExitStack() as without:
        for name in STORED:
            # Those of 3.2 and later, and those before.
            if find_spec(name[0]) is not None:
                without.enter_context(borrowed_names.without(*name))
        assert internals.as_stored(timetable) is timetable
    assert consequences(caplog) == ["ticks are those of a timetable that was never stored"]


@pytest.mark.parametrize("name", OF_RECORDS)
def test_without_the_database_what_has_ever_run_makes_up_for_its_latest_tick(
    name: Name, caplog: pytest.LogCaptureFixture
) -> None:
    tick = datetime(2026, 1, 5, 6, tzinfo=UTC)
    with borrowed_names.without(*name):
        made_up = [
            should_run("shop", tick, tick + timedelta(hours=6), has_run=has_run)
            for has_run in (True, False)
        ]
    assert made_up == [True, False]
    assert consequences(caplog) == ["a DAG that has ever run makes up for its latest tick"]


def test_without_the_backend_what_cannot_be_read_is_missing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with borrowed_names.without(*BACKEND[0]):
        assert internals.why_not_stored("stored") == ""
    assert consequences(caplog) == ["a connection that can't be read is said to be missing"]


@pytest.mark.parametrize("name", UNFINISHED)
def test_without_the_models_nothing_that_was_killed_is_ended(
    name: Name, caplog: pytest.LogCaptureFixture
) -> None:
    with borrowed_names.without(*name):
        local_internals.end_unfinished_runs()
    assert consequences(caplog) == ["what a killed Airflow had under way goes on at the next start"]


@pytest.mark.parametrize("name", SHARED)
def test_without_the_models_a_start_takes_longer(
    name: Name, caplog: pytest.LogCaptureFixture
) -> None:
    local_internals.import_what_components_share()
    with borrowed_names.without(*name):
        local_internals.import_what_components_share()
    assert consequences(caplog) == ["a local Airflow takes longer to start"]


def test_without_the_scheduler_it_rests_as_airflow_says(caplog: pytest.LogCaptureFixture) -> None:
    with borrowed_names.without(*OF_SCHEDULER[0]):
        local_internals.let_scheduler_rest()
    assert consequences(caplog) == ["a local Airflow uses more CPU time for large runs"]


@pytest.mark.parametrize(("work", "least", "most"), [(0, 0.2, 0.25), (0.15, 0.4, 0.8), (0.5, 1, 1)])
def test_a_scheduler_rests_longer_after_more_work(work: float, least: float, most: float) -> None:
    class Runner:
        rest = local_internals._Rest()

    runner = Runner()
    runner.rest = 0.2  # type: ignore[assignment]
    _ = runner.rest
    until = time.process_time() + work
    while time.process_time() < until:
        pass
    assert least <= runner.rest <= most


@pytest.mark.parametrize("name", EXECUTION_API)
def test_without_the_api_each_component_builds_its_own(
    name: Name, caplog: pytest.LogCaptureFixture
) -> None:
    with borrowed_names.without(*name):
        local_internals.build_execution_api()
    assert consequences(caplog) == ["a local Airflow takes longer to start"]


@pytest.mark.parametrize("name", VERSIONS)
def test_without_the_versions_the_api_is_built_for_each(
    name: Name, caplog: pytest.LogCaptureFixture
) -> None:
    with borrowed_names.without(*name), local_internals._newest_version_alone():
        assert len(versions.bundle.versions) > 1
    assert consequences(caplog) == ["a local Airflow takes longer to start"]


@pytest.mark.parametrize("asked", ["the newest", "2025-04-28"])
def test_the_api_is_built_for_the_version_that_tasks_ask_for(
    asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, routes = versions.bundle, list(execution_api_router.routes)
    if asked != "the newest":
        monkeypatch.setattr("airflow.sdk.api.datamodels._generated.API_VERSION", asked)
    with local_internals._newest_version_alone():
        values = versions.bundle.version_values
    assert values == ((API_VERSION,) if asked == "the newest" else whole.version_values)
    assert versions.bundle is whole
    assert execution_api_router.routes == routes


def test_without_the_providers_settings_lineage_is_not_tied_to_airflows(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert internals.settings_of_lineage() is not None
    with borrowed_names.without(*CONF[0]):
        assert internals.settings_of_lineage() is None
    assert consequences(caplog) == ["floe's lineage is not tied to Airflow's"]


def test_without_the_providers_policy_it_is_taken_to_tell_of_every_task(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with borrowed_names.without(*POLICY[0]):
        assert internals.is_reported_by_provider(cast(Any, None), None)
    assert consequences(caplog) == ["lineage may name a task that the provider leaves out"]
