"""A flow run of a product with partitions has them as tags, and a table of their states."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

from floe_core.compiler import compile_product
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.partitions import Partitions
from floe_orchestrator_prefect import PrefectPlugin
from floe_orchestrator_prefect.task.partition_states import partition_tags

EXAMPLES = Path(__file__).parents[4] / "examples"
DAYS = ["2026-01-02", "2026-01-03"]


@pytest.fixture(scope="module")
def client() -> Iterator[SyncPrefectClient]:
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120), get_client(sync_client=True) as client:
        yield client


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> CompiledArtifacts:
    return events_failing_if("true", tmp_path_factory.mktemp("platform"))


def events_failing_if(condition: str, folder: Path, floe: str = "") -> CompiledArtifacts:
    """Return the example, in which a model fails for a day and if this is so."""
    leave = shutil.ignore_patterns(".floe", "*.duckdb", "target")
    shutil.copytree(EXAMPLES / "events", folder / "events", ignore=leave)
    shutil.copy(EXAMPLES / "manifest.yaml", folder)
    model = folder / "events/models/sales_by_day.sql"
    with (folder / "events/floe.yaml").open("a") as spec:
        spec.write(floe)
    day = "var('min_date', '')[:10] == '2026-01-03'"
    broken = f"{{% if {day} and {condition} %}}select no_such_column{{% else %}}"
    config, _, query = model.read_text().partition("unique_key='day') }}")
    model.write_text(f"{config}unique_key='day') }}}} {broken}{query}{{% endif %}}")
    return compile_product(folder / "events", orchestrator="prefect")


def test_partitions_are_tags_and_states_are_a_table(
    client: SyncPrefectClient, events: CompiledArtifacts
) -> None:
    flow = PrefectPlugin().create_definitions(events).flows["events"]
    state = flow(partitions="2026-01-02...2026-01-03", return_state=True)
    assert state.is_failed()
    run = client.read_flow_run(state.state_details.flow_run_id)
    assert set(run.tags) >= {f"partition:{day}" for day in DAYS}
    response = client._client.post("/artifacts/filter", json={})
    [table] = [each for each in response.json() if each["key"] == "events-partitions"]
    rows = {row["node"]: row for row in json.loads(table["data"])}
    assert rows["sales"]["done"] == "2"
    assert rows["sales_by_day"]["failed"] == "1: 2026-01-03"
    assert rows["sales_by_day"]["missing"].endswith(
        "2026-01-01, 2026-01-04, 2026-01-05, 2026-01-06, 2026-01-07, ..."
    )
    assert table["flow_run_id"] == str(run.id)


def test_a_run_keeps_the_tags_of_its_first_try(client: SyncPrefectClient, tmp_path: Path) -> None:
    retries = "execution: {retries: 1, retryDelaySeconds: 0}\n"
    at_first = "var('floe_attempt', 1) | int == 1"
    events = events_failing_if(at_first, tmp_path, retries)
    flow = PrefectPlugin().create_definitions(events).flows["events"]
    state = flow(partitions="2026-01-02...2026-01-03", return_state=True)
    assert state.is_completed()
    run = client.read_flow_run(state.state_details.flow_run_id)
    assert set(run.tags) >= {f"partition:{day}" for day in DAYS}


def test_a_partition_that_does_not_exist_fails_the_run_and_is_not_retried(
    client: SyncPrefectClient, tmp_path: Path
) -> None:
    events = events_failing_if("false", tmp_path, "execution: {retries: 1, retryDelaySeconds: 0}\n")
    flow = PrefectPlugin().create_definitions(events).flows["events"]
    state = flow(partitions="2025-12-31", return_state=True)
    assert state.is_failed()
    assert "2025-12-31 is before the first partition" in str(state.message)
    of_run = FlowRunFilter(id=FlowRunFilterId(any_=[state.state_details.flow_run_id]))
    found = client.read_task_runs(flow_run_filter=of_run)
    assert [each.run_count for each in found if each.name.startswith("dbt_build")] == [1]


def test_many_partitions_are_one_tag() -> None:
    daily = Partitions(by="day", start="2026-01-01")
    keys = [f"2026-{month:02}-{day:02}" for month in (1, 2) for day in range(1, 29)]
    assert partition_tags(daily, keys) == [
        "partition:2026-01-01...2026-01-28,2026-02-01...2026-02-28"
    ]
