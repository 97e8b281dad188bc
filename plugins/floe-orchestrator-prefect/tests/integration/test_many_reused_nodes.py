"""The task runs of many reused nodes, on servers that record events of task runs and that do not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, cast
from uuid import UUID

import pytest
from httpx import HTTPStatusError, Request, Response
from prefect import task
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import TaskRun
from prefect.states import Completed
from reusing_product import FLOE

from floe_core.compiler import compile_product
from floe_orchestrator_prefect.loader import load_product_flows
from floe_orchestrator_prefect.task import ended_runs
from floe_orchestrator_prefect.task.ended_runs import EndedRun, EndedRuns

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: prefect}
  compute: {type: duckdb}
"""
FLOW_RUN = UUID(int=1)
CHILDREN = ended_runs.WORTHWHILE + 5
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
        monkeypatch.setattr(ended_runs, "PATIENCE_SECONDS", 1.0)
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


def task_runs(client: SyncPrefectClient, folder: Path) -> dict[str, TaskRun]:
    """Run the product; return name -> task run of its flow run, without the build itself."""
    compile_product(folder, orchestrator="prefect")
    [flow] = load_product_flows("shop", folder).by_attribute().values()
    state = flow(return_state=True)
    assert state.is_completed(), state
    of_flow_run = FlowRunFilter(id=FlowRunFilterId(any_=[state.state_details.flow_run_id]))
    runs: list[TaskRun] = []
    while page := client.read_task_runs(flow_run_filter=of_flow_run, offset=len(runs)):
        runs += page
    return {run.name: run for run in runs if run.name in NAMES | {"parent"}}


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


def test_a_server_that_refuses_the_events_gets_a_request_for_each_run() -> None:
    @task
    def nothing() -> None:
        """Do nothing."""

    ended = [EndedRun(nothing, ended_run(number)) for number in range(ended_runs.WORTHWHILE)]
    client = Refusing()
    runs = EndedRuns(cast("SyncPrefectClient", client), FLOW_RUN)
    runs.create(ended)
    runs.confirm()
    assert client.created == [each.run.id for each in ended]


class Refusing:
    """A client of a server that knows no events."""

    def __init__(self) -> None:
        self.created: list[UUID] = []

    def request(self, method: str, path: str, json: object) -> NoReturn:
        request = Request(method, f"http://server{path}")
        raise HTTPStatusError("no", request=request, response=Response(404, request=request))

    def create_task_run(self, *_: object, id: UUID, **__: object) -> None:
        self.created.append(id)


def ended_run(number: int) -> TaskRun:
    return TaskRun(
        id=UUID(int=number),
        flow_run_id=FLOW_RUN,
        task_key="nothing",
        dynamic_key=str(number),
        state=Completed(name="Cached"),
    )
