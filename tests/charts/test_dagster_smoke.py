"""What charts/floe-dagster renders starts as it is rendered, and runs a product.

Commands, environment, files and probes are those of the rendered pods; the run goes through
Dagster's own Kubernetes launcher. See `pod_process` and `kubernetes_api` for what stands in for a
cluster.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator

import probes
import psycopg2
import pytest
from dagster_release import Release, release
from own_database import SERVER

pytestmark = pytest.mark.slow
LAUNCH = """
mutation($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
TERMINATE = "mutation($id: String!) { terminateRun(runId: $id) { __typename } }"
MESSAGES = """
query($id: ID!) { logsForRun(runId: $id) { ... on EventConnection { events {
  ... on MessageEvent { message } } } } }
"""
# Look after runs every second instead of every two minutes. One of them waits for its time to start
# to be over while others run.
CHANGES = {
    "runs": {
        "onePerProduct": False,
        "dequeueIntervalSeconds": 1,
        "monitoring": {"pollIntervalSeconds": 1, "startTimeoutSeconds": 45},
        "retries": {"enabled": False},
    }
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    folder = tmp_path_factory.mktemp("release")
    with release(folder, CHANGES) as found:
        yield found
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def doomed(running: Release) -> str:
    """Return a run whose pod was lost before it could say that it had started."""
    run_id = launched(running)
    running.wait_for(run_id, "STARTING")
    deadline = time.monotonic() + 30
    while not any(run_id in name for name in running.api.jobs) and time.monotonic() < deadline:
        time.sleep(0.1)
    running.api.lose(run_id, is_evicted=False)
    return run_id


def launched(running: Release, **tags: str) -> str:
    """Launch the product's job as Dagster's pages do, and return the run's id."""
    selector = {
        "repositoryLocationName": "hello",
        "repositoryName": "__repository__",
        "jobName": "hello",
    }
    metadata = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
    params = {"selector": selector, "runConfigData": {}, "executionMetadata": metadata}
    answer = running.query(LAUNCH, params=params)["launchRun"]
    assert answer["__typename"] == "LaunchRunSuccess", answer
    return str(answer["run"]["runId"])


def test_every_probe_succeeds_as_it_is_written(running: Release) -> None:
    failed = {name: probes.failures(each) for name, each in running.processes.items()}
    assert failed == {"code-server": {}, "webserver": {}, "daemon": {}}


def test_a_run_goes_through_the_launcher_to_its_end(running: Release, doomed: str) -> None:
    """While another one waits for its time to start to be over."""
    run_id = launched(running)
    assert running.wait_for(run_id, "SUCCESS", "FAILURE") == "SUCCESS", running.logs()
    with psycopg2.connect(**SERVER, dbname=running.database) as connection:
        cursor = connection.cursor()
        cursor.execute("select table_name from information_schema.tables where table_schema='shop'")
        assert ("nap",) in cursor.fetchall()


def test_the_runs_lineage_and_spans_arrive_with_their_secrets(running: Release) -> None:
    """Those of the run above: its pod is gone, so nothing can be sent later."""
    events = running.listener.events()
    done = {event["job"]["name"] for event in events if event["eventType"] == "COMPLETE"}
    assert {"hello", "hello.model.nap"} <= done
    keys = {each.headers["Authorization"] for each in running.listener.at("/api/v1/lineage")}
    assert keys == {"Bearer key-of-lineage"}
    spans = running.listener.at("/v1/traces")
    assert {each.headers.get("x-team") for each in spans} == {"data"}


def test_a_run_is_ended_from_the_pages(running: Release) -> None:
    run_id = launched(running)
    running.wait_for(run_id, "STARTED")
    answer = running.query(TERMINATE, id=run_id)["terminateRun"]
    assert answer == {"__typename": "TerminateRunSuccess"}
    assert running.wait_for(run_id, "CANCELED", "SUCCESS") == "CANCELED", running.logs()


def test_a_run_whose_pod_is_lost_fails_and_says_what_the_pod_said(running: Release) -> None:
    run_id = launched(running)
    running.wait_for(run_id, "STARTED")
    running.api.lose(run_id, is_evicted=False)
    assert running.wait_for(run_id, "FAILURE") == "FAILURE"
    assert "Debug information for pod" in said(running, run_id)


def test_a_run_whose_pod_is_gone_fails_and_says_what_its_job_said(running: Release) -> None:
    run_id = launched(running)
    running.wait_for(run_id, "STARTED")
    running.api.lose(run_id, is_evicted=True)
    assert running.wait_for(run_id, "FAILURE") == "FAILURE"
    assert "Debug information for job" in said(running, run_id)


def test_a_run_that_does_not_start_fails_with_the_log_of_its_pod(
    running: Release, doomed: str
) -> None:
    assert running.wait_for(doomed, "FAILURE") == "FAILURE"
    assert "container 'dagster'" in said(running, doomed)


def test_the_daemon_ends_a_run_that_takes_too_long(running: Release) -> None:
    run_id = launched(running, **{"dagster/max_runtime": "1"})
    assert running.wait_for(run_id, "FAILURE", "SUCCESS") == "FAILURE", running.logs()


def said(running: Release, run_id: str) -> str:
    """Return every message of a run."""
    events = running.query(MESSAGES, id=run_id)["logsForRun"]["events"]
    return "\n".join(str(event.get("message")) for event in events)


@pytest.mark.parametrize("component", ["code-server", "webserver", "daemon"])
def test_a_pod_writes_to_its_volumes_and_nowhere_else(running: Release, component: str) -> None:
    process = running.processes[component]
    places = ("/tmp", "/opt/dagster/dagster_home", "/", "/etc", "/opt", "/opt/floe", "/run")
    touched = [
        place
        for place in places
        if process.execute(["touch", f"{place}/written"], 10).returncode == 0
    ]
    assert touched == ["/tmp", "/opt/dagster/dagster_home"]


def test_the_roles_allow_what_was_done_and_nothing_more(running: Release) -> None:
    """The last of the tests: by now every call has been made that needs a role.

    Whatever is taken from a role is then refused to one of the tests above.
    """
    assert running.api.roles.refused == []
    assert sorted(running.api.roles.granted()) == sorted(running.api.roles.acts)
