"""List the runs of products on a running Airflow, and what it records of their nodes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.service_probe import read_in_threads
from floe_core.plugin_api.run_history import NodesOfRun, RecordedNode, RecordedRun, RunState
from floe_core.runs.build_events import BuildEnded, BuildEvent, NodeResult, NodeStarted, from_line
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.names.airflow_names import PROGRESS_HEAD, dag_id, segment_key
from floe_orchestrator_airflow.names.run_of_product import run_name
from floe_orchestrator_airflow.service.rest_access import PAGE, Access, CannotGoOnError
from floe_orchestrator_airflow.service.team_runs import builds_in_teams_dags, place_of_build

_STATES: Mapping[str, RunState] = {
    "queued": "queued",
    "running": "running",
    "success": "success",
    "failed": "failed",
}


def recent_runs(
    products: Sequence[CompiledArtifacts],
    since: datetime | None,
    most: int,
    seconds: float,
    settings: Mapping[str, Any],
) -> list[RecordedRun]:
    """See `RunHistory`."""
    jobs = {dag_id(each, job): (each, job.name) for each in products for job in each.jobs}
    found: dict[tuple[str, str], RecordedRun] = {}
    try:
        access = Access.of(settings, seconds)
        for wanted in _wanted(since):
            for run in runs_of(access, {**wanted, "dag_ids": sorted(jobs)}, most):
                product, job = jobs[run["dag_id"]]
                run_of_job = recorded(run, product.product.name, job, access.url)
                found[run["dag_id"], run_of_job.run_id] = run_of_job
            for build in builds_in_teams_dags(access, since, jobs, most):
                found[build.product, build.run_id] = build
    except (CannotGoOnError, KeyError, TypeError, ValueError) as error:
        raise problem(error) from None
    return sorted(found.values(), key=lambda run: run.created_at, reverse=True)[:most]


def nodes_of_run(
    product: CompiledArtifacts, run: RecordedRun, seconds: float, settings: Mapping[str, Any]
) -> NodesOfRun:
    """See `RunHistory`. The build task reports its events in XComs."""
    place = place_of_build(run.run_id, dag_id(product, product.job(run.job)))
    of_build = f"{place}/xcomEntries"
    try:
        access = Access.of(settings, seconds)
        head = _value(access.ask("GET", f"{of_build}/{PROGRESS_HEAD}"))
        if not isinstance(head, dict):
            return NodesOfRun(problem=_without_events(access, place, run))
        keys = [segment_key(head["attempt"], number) for number in range(head["segments"])]
        segments = read_in_threads(lambda key: access.ask("GET", f"{of_build}/{key}"), keys)
        lines = (line for each in segments for line in _value(each) or ())
        return _nodes(from_line(line) for line in lines)
    except (CannotGoOnError, KeyError, TypeError, ValueError) as error:
        raise problem(error) from None


def _without_events(access: Access, place: str, run: RecordedRun) -> str:
    """Return why a run has no events of nodes, "" for one that has not begun.

    Raises:
        CannotGoOnError: There is no such run.
    """
    if not access.ask("GET", place):
        raise CannotGoOnError("it has no such run")
    return "its build reported no nodes" if run.is_over else ""


def _wanted(since: datetime | None) -> Iterator[dict[str, Any]]:
    """Yield the filters that together match the runs that changed since a moment."""
    if since is None:
        yield {}
        return
    moment = since.isoformat()
    yield {"run_after_gte": moment}
    yield {"end_date_gte": moment}
    yield {"states": ["running", "queued"]}


def runs_of(access: Access, wanted: Mapping[str, Any], most: int) -> Iterator[Mapping[str, Any]]:
    """Yield the DAG runs that match a filter, those that are due last first."""
    for offset in range(0, most, PAGE):
        paged = {"order_by": "-run_after", "page_limit": PAGE, "page_offset": offset}
        page = access.ask("POST", "/dags/~/dagRuns/list", {**wanted, **paged})["dag_runs"]
        yield from page
        if len(page) < PAGE:
            return


def recorded(run: Mapping[str, Any], product: str, job: str, url: str) -> RecordedRun:
    """Return a DAG run as one of a product's job."""
    dag, run_id = str(run["dag_id"]), str(run["dag_run_id"])
    created = _moment(run.get("queued_at")) or _moment(run["run_after"])
    assert created is not None
    return RecordedRun(
        product=product,
        job=job,
        run_id=run_id,
        state=_STATES.get(run["state"], "running"),
        created_at=created,
        started_at=_moment(run.get("start_date")),
        ended_at=_moment(run.get("end_date")),
        nominal_time=_moment(run.get("logical_date")),
        link=f"{url}/dags/{quote(dag)}/runs/{quote(run_id)}",
        build_ids=(run_name(dag, run_id),),
    )


def _nodes(events: Iterable[BuildEvent]) -> NodesOfRun:
    found: dict[str, RecordedNode] = {}
    problem = ""
    for event in events:
        if isinstance(event, NodeStarted):
            found[event.unique_id] = RecordedNode(event.unique_id, "running")
        elif isinstance(event, NodeResult):
            found[event.unique_id] = RecordedNode(
                event.unique_id, event.status, event.seconds, event.message, event.rows
            )
        elif isinstance(event, BuildEnded):
            problem = event.message
    return NodesOfRun(tuple(found.values()), problem)


def _value(entry: Mapping[str, Any]) -> Any:
    """Return the value of an XCom, which Airflow gives as JSON within JSON or as it is."""
    value = entry.get("value")
    return json.loads(value) if isinstance(value, str) else value


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def problem(error: Exception) -> EnvironmentProblemError:
    """Return the error for what a request to it raised."""
    told = str(error) if isinstance(error, CannotGoOnError) else "its response is not Airflow's"
    return EnvironmentProblemError(f"Airflow could not be queried for its runs: {told}")


def backfills_of(
    artifacts: CompiledArtifacts, job_name: str, seconds: float, settings: Mapping[str, Any]
) -> list[str]:
    """See `BackfillReporter`. A DAG has one at a time, which is its newest."""
    dag = dag_id(artifacts, artifacts.job(job_name))
    wanted = urlencode({"dag_id": dag, "order_by": "-id", "limit": PAGE})
    try:
        found = Access.of(settings, seconds).ask("GET", f"/backfills?{wanted}")["backfills"]
        return [_named(each) for each in found if each["completed_at"] is None]
    except (CannotGoOnError, KeyError, TypeError, ValueError) as error:
        raise problem(error) from None


def _named(backfill: Mapping[str, Any]) -> str:
    days = f"{backfill['from_date'][:10]} to {backfill['to_date'][:10]}"
    paused = ", which is paused," if backfill["is_paused"] else ""
    return f"backfill {backfill['id']} of {days}{paused}"
