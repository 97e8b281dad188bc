"""When the lineage events of two runs count as the same."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from floe_parity.sides.lineage_events import comparable, differing_paths

Event = dict[str, Any]


def event(kind: str, run_id: str, at: str, folder: str, orchestrators_run: str) -> Event:
    message = f"see {folder}/.floe/runs/{orchestrators_run}/attempt-1/run/a.sql"
    return {
        "eventType": kind,
        "eventTime": at,
        "run": {
            "runId": run_id,
            "facets": {
                "errorMessage": {"message": message},
                "nominalTime": {"nominalStartTime": at},
                "floe_trace": {"traceId": f"trace of {run_id}", "spanId": f"span of {run_id}"},
                "jobDependencies": {
                    "upstream": [
                        {
                            "job": {"namespace": "floe", "name": "crm"},
                            "run": {"runId": f"what {run_id} reads from"},
                        }
                    ]
                },
                "floe_reuse": {
                    "nodes": [
                        {
                            "job": {"namespace": "floe", "name": "shop.model.c"},
                            "builtBy": {"orchestratorRunId": f"before {orchestrators_run}"},
                        }
                    ]
                },
            },
        },
        "job": {"namespace": "floe", "name": "shop.model.a", "facets": {}},
        "inputs": [{"namespace": "duckdb://shop", "name": "shop.main.b", "facets": {}}],
        "outputs": [],
    }


def run(run_id: str, day: int, folder: str, orchestrators_run: str) -> list[Event]:
    at = f"2026-03-{day:02}T06:00:00Z"
    return [event(kind, run_id, at, folder, orchestrators_run) for kind in ("START", "FAIL")]


ONE = run("u1", 1, "/one", "manual__2026")
OTHER = run("u2", 2, "/other", "0195505a")


def test_times_folders_and_ids_of_runs_and_spans_do_not_matter() -> None:
    assert comparable(ONE, {"/one": "."}) == comparable(OTHER, {"/other": "."})


@pytest.mark.parametrize(
    ("where", "change"),
    [
        ("run.facets.errorMessage.message", lambda e: set_message(e, "another")),
        ("run.facets.errorMessage", lambda e: e["run"]["facets"].pop("errorMessage")),
        (
            "run.facets.floe_reuse.nodes[0].job.name",
            lambda e: e["run"]["facets"]["floe_reuse"]["nodes"][0]["job"].update(name="d"),
        ),
        ("inputs[0].name", lambda e: e["inputs"][0].update(name="shop.main.c")),
        ("inputs", lambda e: e["inputs"].clear()),
        ("run.runId", lambda e: e["run"].update(runId="u3")),
        ("job.namespace", lambda e: e["job"].update(namespace="elsewhere")),
    ],
)
def test_anything_else_does(where: str, change: Any) -> None:
    changed = deepcopy(OTHER)
    change(changed[1])
    one, other = comparable(ONE, {"/one": "."}), comparable(changed, {"/other": "."})
    (alone,) = one - other
    assert differing_paths(alone, other - one) == [where]


def set_message(event: Event, message: str) -> None:
    event["run"]["facets"]["errorMessage"]["message"] = message


def test_an_event_that_is_told_twice_is_a_difference() -> None:
    one, other = comparable(ONE, {"/one": "."}), comparable([*OTHER, OTHER[1]], {"/other": "."})
    (alone,) = other - one
    assert differing_paths(alone, one - other) == []
