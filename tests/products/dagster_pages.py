"""Dagster's webserver on the instance of a launched product, used as its pages use it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dagster_process import dagster_process
from everywhere import instance_of
from free_port import free_port

from floe_core.foundation.service_probe import NoAnswerError, send_request
from floe_core.plugin_api.powers import RunReport
from floe_core.schemas import CompiledArtifacts
from floe_orchestrator_dagster.local.instance_home import WORKSPACE, instance_home

REEXECUTE = """
mutation Again($params: ReexecutionParams!) {
  launchRunReexecution(reexecutionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
LAUNCH = """
mutation($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId status } }
    ... on PythonError { message }
  }
}
"""
TERMINATE = "mutation($id: String!) { terminateRun(runId: $id) { __typename } }"
# Otherwise the run would wait for a daemon.
LAUNCH_AT_ONCE = """
run_coordinator: {module: dagster._core.run_coordinator, class: DefaultRunCoordinator}
"""


def reexecute(
    artifacts: CompiledArtifacts, run_id: str, strategy: str = "FROM_FAILURE"
) -> RunReport:
    """Click "re-execute" on a run, wait for the end of the new run, and tell how it ended."""
    with webserver(artifacts, LAUNCH_AT_ONCE) as url:
        params = {"parentRunId": run_id, "strategy": strategy}
        answer = asked(url, REEXECUTE, {"params": params})["launchRunReexecution"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        again = str(answer["run"]["runId"])
        status = end_of_run(artifacts, again)
    return RunReport("success" if status == "SUCCESS" else "failed", again, 0.0, {}, status)


def launched(
    url: str, location: str, job: str, tags: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Launch a job, and return the `runId` and `status` of its run."""
    selector = {
        "repositoryLocationName": location,
        "repositoryName": "__repository__",
        "jobName": job,
    }
    words = [{"key": key, "value": value} for key, value in (tags or {}).items()]
    params = {"selector": selector, "runConfigData": {}, "executionMetadata": {"tags": words}}
    answer = asked(url, LAUNCH, {"params": params})["launchRun"]
    assert answer["__typename"] == "LaunchRunSuccess", answer
    run: dict[str, str] = answer["run"]
    return run


def end_of_run(artifacts: CompiledArtifacts, run_id: str) -> str:
    """Return the status of a run, once it is over."""
    deadline = time.monotonic() + 120
    with instance_of(artifacts) as instance:
        while not instance.get_run_by_id(run_id).is_finished and time.monotonic() < deadline:
            time.sleep(0.5)
        return str(instance.get_run_by_id(run_id).status.value)


@contextmanager
def webserver(artifacts: CompiledArtifacts, settings: str = "", port: int = 0) -> Iterator[str]:
    """Give the address of a webserver that answers, for the length of the block.

    `settings` is YAML for its dagster.yaml; without a `port`, it has a free one.
    """
    folder, port = artifacts.folder, port or free_port()
    home = instance_home(folder, artifacts.product.name)
    with (home / "dagster.yaml").open("a") as file:
        file.write(settings)
    command = ["dagster-webserver", "-p", port, "-w", home / WORKSPACE]
    with dagster_process(command, home, folder):
        url = f"http://127.0.0.1:{port}"
        _wait_for(url)
        yield url


def asked(url: str, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    """Return the data that GraphQL answers."""
    body = {"query": query, "variables": variables}
    answer = send_request("POST", f"{url}/graphql", json_body=body, deadline=time.monotonic() + 60)
    data: dict[str, Any] = json.loads(answer.body)["data"]
    return data


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 90
    while True:
        try:
            asked(url, "{ version }", {})
            return
        except NoAnswerError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
