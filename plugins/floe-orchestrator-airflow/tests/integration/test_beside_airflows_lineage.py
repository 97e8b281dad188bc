"""floe's lineage and spans beside those of Airflow's own OpenLineage provider, switched on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from otlp_collector import running_collector

from floe_core.plugin_api.powers import RunOptions
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.local.launch import run_in
from floe_orchestrator_airflow.local.service import LocalAirflow

Event = dict[str, Any]
MODELS = {
    "first.sql": "select 1 as id",
    "second.sql": (
        "{% if var('floe_attempt') == 1 %}select no_such_function(id) as id{% else %}select id"
        "{% endif %} from {{ ref('first') }}"
    ),
}
RETRY = "{retries: 1, retryDelaySeconds: 1, granularity: node}"


def named(event: Event) -> Event:
    """Return who an event is about, as a parent facet of it would say."""
    job = {"namespace": event["job"]["namespace"], "name": event["job"]["name"]}
    return {"run": {"runId": event["run"]["runId"]}, "job": job}


def above(event: Event) -> Event:
    parent = event["run"]["facets"]["parent"]
    return {"run": parent["run"], "job": parent["job"]}


def distinct(runs: list[Event]) -> set[str]:
    return {json.dumps(run, sort_keys=True) for run in runs}


def of_namespace(events: list[Event], namespace: str) -> list[Event]:
    return [event for event in events if event["job"]["namespace"] == namespace]


def told(events: list[Event]) -> Counter[tuple[str, str]]:
    return Counter((event["eventType"], event["job"]["name"]) for event in events)


@pytest.mark.slow
def test_airflow_tells_of_its_tasks_and_floe_below_them_of_everything_else(
    make_product: Callable[..., CompiledArtifacts],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    artifacts = make_product("beside", MODELS, execution=RETRY)
    file = tmp_path / "events.jsonl"
    transport = {"type": "file", "log_file_path": str(file), "append": True}
    # floe is told of no backend: it takes the provider's.
    provider = {
        "AIRFLOW__OPENLINEAGE__DISABLED": "False",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
    }
    with running_collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        with LocalAirflow(tmp_path / "airflow", variables=provider) as airflow:
            report = run_in(airflow, artifacts, RunOptions("beside"), lambda event: None)
    assert report.status == "success"
    events = [json.loads(line) for line in file.read_text().splitlines()]
    airflows, ours = of_namespace(events, "default"), of_namespace(events, "floe")
    assert len(events) == len(airflows) + len(ours)

    assert told(airflows) == {
        ("START", "beside"): 1,
        ("START", "beside.dbt_build"): 2,
        ("FAIL", "beside.dbt_build"): 1,
        ("COMPLETE", "beside.dbt_build"): 1,
        ("COMPLETE", "beside"): 1,
    }
    assert [each for each in airflows if each.get("inputs") or each.get("outputs")] == []
    facets = {name for each in airflows for name in each["run"]["facets"]}
    assert "unknownSourceAttribute" not in facets

    assert told(ours) == {
        ("START", "beside"): 2,
        ("FAIL", "beside"): 1,
        ("COMPLETE", "beside"): 1,
        ("START", "beside.model.first"): 1,
        ("COMPLETE", "beside.model.first"): 1,
        ("START", "beside.model.second"): 2,
        ("FAIL", "beside.model.second"): 1,
        ("COMPLETE", "beside.model.second"): 1,
    }
    (dag_run,) = [named(each) for each in airflows if each["job"]["name"] == "beside"][:1]
    tries = [named(each) for each in airflows if each["eventType"] == "START"][1:]
    runs = [each for each in ours if each["job"]["name"] == "beside"]
    assert [above(each) for each in runs if each["eventType"] == "START"] == tries
    nodes = [each for each in ours if each["job"]["name"] != "beside"]
    assert distinct([above(each) for each in nodes]) == distinct([named(each) for each in runs])
    roots = [each["run"]["facets"]["parent"]["root"] for each in ours]
    assert distinct(roots) == distinct([dag_run])

    spans = Counter((span.name, span.attributes["floe.attempt"]) for span in collector.spans)
    assert spans == {
        ("floe run", 1): 1,
        ("model first", 1): 1,
        ("model second", 1): 1,
        ("floe run", 2): 1,
        ("model second", 2): 1,
    }
    assert len({span.trace_id for span in collector.spans}) == 1
