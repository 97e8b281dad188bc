"""List the runs of products in DAGs of a team, which have them as a group of tasks.

Such a run is the build in a DAG run. Its id is `DAG/RUN/TASK`: a DAG may have several products.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from floe_core.plugin_api.run_history import RecordedRun, RunState
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.names.airflow_names import BUILD
from floe_orchestrator_airflow.names.run_of_product import run_name
from floe_orchestrator_airflow.service.rest_access import PAGE, Access

OPERATOR = "FloeBuildOperator"
# Of those that changed since a moment, the builds in own DAGs among them.
MOST_BUILDS = 1000
_STATES: Mapping[str | None, RunState] = {
    "scheduled": "queued",
    "queued": "queued",
    "success": "success",
    "failed": "failed",
    "upstream_failed": "failed",
}
_UNDER_WAY = ["scheduled", "queued", "running", "deferred", "up_for_retry", "up_for_reschedule"]


def builds_in_teams_dags(
    access: Access,
    since: datetime | None,
    jobs: Mapping[str, tuple[CompiledArtifacts, str]],
    most: int,
) -> Iterator[RecordedRun]:
    """Yield the builds of products that have begun, but for those in the products' own DAGs.

    `jobs` is DAG id -> product and job, of the own DAGs.
    """
    known = {
        (product.product.name, job.name) for product, _ in jobs.values() for job in product.jobs
    }
    for wanted in _wanted(since):
        for build in _builds(access, wanted, most):
            fields = build.get("rendered_fields") or {}
            of_job = (str(fields.get("product")), str(fields.get("job")))
            if build["dag_id"] not in jobs and of_job in known:
                yield _recorded(build, *of_job, access.url)


def place_of_build(run_id: str, own_dag: str) -> str:
    """Return the path of a run's build task; `own_dag` is the DAG of a run of a product's own."""
    dag, run, task = run_id.split("/") if run_id.count("/") == 2 else (own_dag, run_id, BUILD)
    parts = [quote(part, safe="") for part in (dag, run, task)]
    return "/dags/{}/dagRuns/{}/taskInstances/{}".format(*parts)


def _wanted(since: datetime | None) -> Iterator[dict[str, Any]]:
    """Yield the filters that together match the builds that changed since a moment."""
    if since is None:
        yield {}
        return
    moment = since.isoformat()
    yield {"start_date_gte": moment}
    yield {"end_date_gte": moment}
    yield {"state": _UNDER_WAY}


def _builds(access: Access, wanted: Mapping[str, Any], most: int) -> Iterator[Mapping[str, Any]]:
    for offset in range(0, min(most, MOST_BUILDS), PAGE):
        paged = {"operator": OPERATOR, "order_by": "-run_after", "limit": PAGE, "offset": offset}
        query = urlencode({**wanted, **paged}, doseq=True)
        page = access.ask("GET", f"/dags/~/dagRuns/~/taskInstances?{query}")["task_instances"]
        if any(build["operator"] != OPERATOR for build in page):
            # An older Airflow, which returns all tasks.
            return
        yield from page
        if len(page) < PAGE:
            return


def _recorded(build: Mapping[str, Any], product: str, job: str, url: str) -> RecordedRun:
    dag, run, task = str(build["dag_id"]), str(build["dag_run_id"]), str(build["task_id"])
    created = _moment(build.get("queued_when")) or _moment(build["run_after"])
    assert created is not None
    return RecordedRun(
        product=product,
        job=job,
        run_id=f"{dag}/{run}/{task}",
        state=_STATES.get(build["state"], "running"),
        created_at=created,
        started_at=_moment(build.get("start_date")),
        ended_at=_moment(build.get("end_date")),
        nominal_time=_moment(build.get("logical_date")),
        link=f"{url}/dags/{quote(dag)}/runs/{quote(run)}/tasks/{quote(task)}",
        build_ids=(run_name(dag, run, task),),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
