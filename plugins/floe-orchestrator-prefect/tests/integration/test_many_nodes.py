"""The task runs of many nodes, on servers that record events of task runs and that do not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn, cast
from uuid import UUID

import pytest
from httpx import HTTPStatusError, Request, Response
from prefect import task
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Completed
from reusing_product import FLOE

from floe_core.compiler import compile_product
from floe_core.schemas.node_graph import NodeGraph
from floe_orchestrator_prefect.loader import load_product_flows
from floe_orchestrator_prefect.task import run_states
from floe_orchestrator_prefect.task.run_states import Change, RunStates

pytestmark = pytest.mark.slow

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: prefect}
  compute: {type: duckdb}
"""
RETRIED = "off, retries: 1, retryDelaySeconds: 1"
FLOW_RUN = UUID(int=1)
CHILDREN = run_states.WORTHWHILE + 5
NAMES = {f"child_{number}" for number in range(CHILDREN)}


@pytest.fixture(params=["by default", "no recorder"])
def client(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SyncPrefectClient]:
    from prefect.testing.utilities import prefect_test_harness

    if request.param == "no recorder":
        monkeypatch.setenv("PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_ENABLED", "false")
        # A server that lists few runs at a time refuses to list more.
        monkeypatch.setenv("PREFECT_SERVER_API_DEFAULT_LIMIT", "20")
        monkeypatch.setattr(run_states, "PATIENCE_SECONDS", 1.0)
    with prefect_test_harness(server_startup_timeout=120), get_client(sync_client=True) as client:
        yield client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "manifest.yaml").write_text(MANIFEST)
    (tmp_path / "floe.yaml").write_text(FLOE)
    (tmp_path / "dbt_project.yml").write_text("name: shop\nversion: 1.0.0\nprofile: shop\n")
    models = tmp_path / "models"
    models.mkdir()
    (models / "parent.sql").write_text("select 1 as read, 1 as other")
    for name in NAMES:
        (models / f"{name}.sql").write_text("select read from {{ ref('parent') }}")
    return tmp_path


def task_runs(
    client: SyncPrefectClient, folder: Path, end: str = "Completed"
) -> dict[str, TaskRun]:
    """Run the product; return name -> task run of its flow run, without the build itself."""
    compile_product(folder, orchestrator="prefect")
    [flow] = load_product_flows("shop", folder).by_attribute().values()
    state = flow(return_state=True)
    assert state.name == end, state
    of_flow_run = FlowRunFilter(id=FlowRunFilterId(any_=[state.state_details.flow_run_id]))
    runs: list[TaskRun] = []
    while page := client.read_task_runs(flow_run_filter=of_flow_run, offset=len(runs)):
        runs += page
    return {run.name: run for run in runs if run.name in NAMES | {"parent", "below"}}


def states(runs: dict[str, TaskRun]) -> dict[str, str]:
    return {name: run.state_name or "" for name, run in runs.items()}


def test_they_are_cached_and_linked_to_their_parents(
    client: SyncPrefectClient, folder: Path
) -> None:
    everything = NAMES | {"parent"}
    assert states(task_runs(client, folder)) == dict.fromkeys(everything, "Completed")

    reused = task_runs(client, folder)
    assert states(reused) == dict.fromkeys(everything, "Cached")
    assert all(run.end_time and run.state_type == "COMPLETED" for run in reused.values())
    check_links(reused)

    (folder / "models/parent.sql").write_text("select 1 as read, 2 as other")
    after_change = task_runs(client, folder)
    assert states(after_change) == {"parent": "Completed"} | dict.fromkeys(NAMES, "Cached")
    check_links(after_change)


def check_links(runs: dict[str, TaskRun]) -> None:
    above = {
        name: [each.id for each in run.task_inputs["depends_on"]] for name, run in runs.items()
    }
    assert above == {"parent": []} | {name: [runs["parent"].id] for name in NAMES}


FAILING = "{{ config(materialized='table') }} select read / 0 as one, error('no') as two from "


def test_events_leave_what_requests_leave(
    client: SyncPrefectClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of requests, Prefect's server itself makes the times and the counts."""
    (folder / "floe.yaml").write_text(FLOE.replace("unchanged", RETRIED))
    (folder / "models/child_0.sql").write_text(FAILING + "{{ ref('parent') }}")
    (folder / "models/below.sql").write_text("select * from {{ ref('child_0') }}")
    by_events = facts(client, task_runs(client, folder, "Failed"))
    monkeypatch.setattr(run_states, "WORTHWHILE", 1000)
    by_requests = facts(client, task_runs(client, folder, "Failed"))
    assert by_events == by_requests
    assert by_events["parent"]["states"] == ["Pending", "Running", "Completed"]
    assert by_events["child_0"]["run_count"] == 2


def facts(client: SyncPrefectClient, runs: dict[str, TaskRun]) -> dict[str, dict[str, object]]:
    """Return name -> what is the same in each run."""
    return {name: facts_of(client, run) for name, run in runs.items()}


def facts_of(client: SyncPrefectClient, run: TaskRun) -> dict[str, object]:
    chosen = client.request("GET", "/task_run_states/", params={"task_run_id": str(run.id)})
    states = sorted(chosen.json(), key=lambda each: each["timestamp"])
    assert run.expected_start_time is not None
    spent = run.total_run_time.total_seconds()
    if run.start_time and run.end_time:
        assert run.expected_start_time <= run.start_time <= run.end_time
        assert 0 <= spent <= (run.end_time - run.start_time).total_seconds()
    return {
        "states": [each["name"] for each in states],
        "messages": [each["message"] for each in states if each["type"] != "FAILED"],
        "run_count": run.run_count,
        "has_run": spent > 0,
        "ends": (run.start_time is not None, run.end_time is not None),
        "tags": sorted(run.tags),
        "version": run.task_version,
        "key": (run.task_key, run.dynamic_key),
    }


def test_a_server_that_refuses_the_events_gets_a_request_for_each_run() -> None:
    @task
    def nothing() -> None:
        """Do nothing."""

    changes = [Change(nothing, ended_run(n), None) for n in range(run_states.WORTHWHILE)]
    client = Refusing()
    states = RunStates(cast("SyncPrefectClient", client), FLOW_RUN)
    states.report(changes)
    states.confirm()
    assert client.created == [each.run.id for each in changes]


class Refusing:
    """A client of a server that knows no events."""

    def __init__(self) -> None:
        self.created: list[UUID] = []

    def request(self, method: str, path: str, json: object) -> NoReturn:
        request = Request(method, f"http://server{path}")
        raise HTTPStatusError("no", request=request, response=Response(404, request=request))

    def create_task_run(self, *_: object, id: UUID, state: State[Any], **__: object) -> TaskRun:
        self.created.append(id)
        return TaskRun(id=id, task_key="nothing", dynamic_key="", state=state)


def ended_run(number: int) -> TaskRun:
    return TaskRun(
        id=UUID(int=number),
        flow_run_id=FLOW_RUN,
        task_key="nothing",
        dynamic_key=str(number),
        state=Completed(name="Cached"),
    )


def test_the_nodes_are_sorted_once_and_not_for_each_event(
    folder: Path, client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    in_order = NodeGraph.in_order

    def counted(graph: NodeGraph) -> list[str]:
        calls.append(len(graph.parents))
        return in_order(graph)

    monkeypatch.setattr(NodeGraph, "in_order", counted)
    found = task_runs(client, folder)
    assert {run.state_name for run in found.values()} == {"Completed"}
    # By the compile, the build and the task runs.
    assert len(calls) < 10, calls
