"""The real webserver and daemon, with a code location that loads and one that does not."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack

import pytest
from dagster import DagsterInstance
from dagster_process import dagster_process
from free_port import free_port

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.service_probe import send_request
from floe_core.plugin_api.powers import RunOptions
from floe_orchestrator_dagster import DagsterPlugin


def validated(url, until):
    """Ask until the answer is of the kind that is waited for, for a minute at most."""
    plugin = DagsterPlugin()
    plugin.configure({"url": url})
    deadline = time.monotonic() + 90
    while True:
        result = plugin.validate_connection()
        if until(result) or time.monotonic() > deadline:
            return result
        time.sleep(0.5)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dagster-home")
    limit = "{key: floe/product, value: {applyLimitPerUniqueValue: true}, limit: 1}"
    queue = f"concurrency: {{runs: {{tag_concurrency_limits: [{limit}]}}}}\n"
    (folder / "dagster.yaml").write_text(f"telemetry: {{enabled: false}}\n{queue}")
    (folder / "broken.py").write_text("import no_such_module_here\n")
    return folder


LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
RUN = """
query Run($id: ID!) {
  runOrError(runId: $id) {
    ... on Run {
      status
      eventConnection {
        events {
          ... on MaterializationEvent { assetKey { path } }
          ... on AssetCheckEvaluationEvent { evaluation { checkName success } }
        }
      }
    }
  }
}
"""


def asked(url, query, variables):
    answer = send_request(
        "POST",
        f"{url}/graphql",
        json_body={"query": query, "variables": variables},
        deadline=time.monotonic() + 60,
    )
    return json.loads(answer.body)["data"]


def launched(url, **selection):
    """Launch what a click in the pages launches; return the run's status and events."""
    selector = {
        "repositoryLocationName": "hello",
        "repositoryName": "__repository__",
        "jobName": "hello",
        **selection,
    }
    params = {"selector": selector, "mode": "default", "runConfigData": {}}
    run_id = asked(url, LAUNCH, {"params": params})["launchRun"]["run"]["runId"]
    deadline = time.monotonic() + 120
    while True:
        run = asked(url, RUN, {"id": run_id})["runOrError"]
        if run["status"] in ("SUCCESS", "FAILURE", "CANCELED") or time.monotonic() > deadline:
            return run["status"], [event for event in run["eventConnection"]["events"] if event]
        time.sleep(1)


def launch_whole(product):
    report = DagsterPlugin().launch_run(product, RunOptions("hello"), lambda event: None)
    assert report.status == "success"


def test_the_real_webserver_is_told_from_the_sick_one_and_runs_what_is_chosen(example, home):
    product = example("hello")
    launch_whole(product)
    definitions = product.project_dir / "definitions.py"
    workspace = home / "workspace.yaml"
    good = f"- python_file: {{relative_path: {definitions}, location_name: hello}}\n"
    bad = "- python_file: {relative_path: broken.py, location_name: broken}\n"
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    webserver = ["dagster-webserver", "-h", "127.0.0.1", "-p", str(port)]
    daemon = ["dagster-daemon", "run", "-w", str(workspace)]

    workspace.write_text("load_from:\n" + good + bad)
    with dagster_process([*webserver, "-w", str(workspace)], home):
        sick = validated(url, lambda result: "is running" in result.message)
    assert not sick.success
    [location_error, *daemon_errors] = sick.errors
    assert location_error.startswith("code location broken does not load: ")
    assert "no_such_module_here" in location_error
    assert "the daemon SCHEDULER is required and not healthy; start or restart dagster-daemon" in (
        daemon_errors
    )

    workspace.write_text("load_from:\n" + good)
    with ExitStack() as stack:
        stack.enter_context(dagster_process([*webserver, "-w", str(workspace)], home))
        stack.enter_context(dagster_process(daemon, home))
        well = validated(url, lambda result: result.success)
        what_ran = launched(
            url,
            assetSelection=[{"path": ["people"]}, {"path": ["greetings"]}],
            assetCheckSelection=[
                {"assetKey": {"path": ["greetings"]}, "name": "unique_greetings_id"}
            ],
        )
    assert (well.success, well.errors, well.warnings) == (True, [], [])
    assert well.message.endswith(f"at {url} is running and healthy; code locations: 1")
    assert what_ran == (
        "SUCCESS",
        [
            {"assetKey": {"path": ["people"]}},
            {"assetKey": {"path": ["greetings"]}},
            {"evaluation": {"checkName": "unique_greetings_id", "success": True}},
        ],
    )


def test_pools_without_a_limit_are_told(home, compiled):
    product = compiled(
        {"models/a.sql": "{{ config(meta={'floe': {'pool': 'heavy'}}) }} select 1 as id"},
        "execution: {pool: builds}\n",
    )
    plugin, port = DagsterPlugin(), free_port()
    plugin.configure({"url": f"http://127.0.0.1:{port}"})
    with pytest.raises(EnvironmentProblemError, match="Dagster could not be queried for its pools"):
        plugin.check_pools(product)
    webserver = ["dagster-webserver", "-h", "127.0.0.1", "-p", str(port)]
    with (
        dagster_process([*webserver, "--empty-workspace"], home),
        DagsterInstance.from_config(str(home)) as instance,
    ):
        validated(f"http://127.0.0.1:{port}", lambda result: "is running" in result.message)
        set_limit = instance.event_log_storage.set_concurrency_slots
        assert {each.pool: (each.blocks, each.fix) for each in plugin.check_pools(product)} == {
            "builds": (False, "dagster instance concurrency set builds 1"),
            "heavy": (False, "dagster instance concurrency set heavy 1"),
        }
        set_limit("builds", 1)
        set_limit("heavy", 0)
        assert [(each.pool, each.blocks) for each in plugin.check_pools(product)] == [
            ("heavy", True)
        ]
        set_limit("heavy", 2)
        assert plugin.check_pools(product) == []
