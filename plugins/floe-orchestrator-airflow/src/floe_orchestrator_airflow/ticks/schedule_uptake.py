"""A job's schedule on a running Airflow: what it is, and how a changed one is applied."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.service_probe import without_secrets
from floe_core.plugin_api.powers import RunningSchedule
from floe_core.schedules.claims import claims_of, late_ticks
from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_orchestrator_airflow.names.airflow_names import FILENAME, dag_id, has_to_claim
from floe_orchestrator_airflow.service.rest_access import (
    Access,
    CannotGoOnError,
    NothingAnswersError,
    json_object,
    request,
    token_for,
    url_in,
)

ANSWER_SECONDS = 10.0
PARSE_SECONDS = 60.0
POLL_SECONDS = 0.5


def take_up(schedules: JobSchedules, name: str, settings: Mapping[str, Any]) -> None:
    """Make Airflow parse the DAG of a job now, and unpause it unless the job is paused.

    If no api-server responds, touch dag.py: a DAG processor on the same disk parses it again within
    seconds, any other in its next round.

    Raises:
        EnvironmentProblemError: An Airflow responds but does not apply the schedule.
    """
    try:
        _RunningAirflow(settings).take_up(schedules, name)
    except NothingAnswersError:
        _touch(schedules.artifacts.project_dir)
    except CannotGoOnError as error:
        _touch(schedules.artifacts.project_dir)
        # The default address may belong to an unrelated Airflow, or to something else.
        if settings.get("url"):
            raise EnvironmentProblemError(
                f"the change is stored in {schedules.place}, but Airflow at "
                f"{without_secrets(url_in(settings))} has not applied it: {error}"
            ) from None


def _touch(project_dir: Path | None) -> None:
    if project_dir is not None:
        with suppress(OSError):
            os.utime(project_dir / FILENAME)


class _RunningAirflow:
    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._url = url_in(settings)
        self._token = token_for(self._url, settings, _soon())

    def take_up(self, schedules: JobSchedules, name: str) -> None:
        job = schedules.live(name)
        path = f"/api/v2/dags/{quote(dag_id(schedules.artifacts, job))}"
        before = self._request("GET", path)
        self._request("PUT", f"/api/v2/parseDagFile/{quote(str(before['file_token']), safe='')}")
        dag = self._wait_for_parse(path, before, _summary(job))
        if job.starts_itself and dag["is_paused"]:
            self._request("PATCH", path, {"is_paused": False})
        if job.owner is not None:
            self._run_skipped(path, schedules.artifacts, job)

    def _run_skipped(self, path: str, artifacts: CompiledArtifacts, job: Job) -> None:
        """Clear runs that were skipped for ticks that this Airflow now has to run late.

        A DAG has at most one run of a tick, so there is no other way to run it. A run that made no
        claim was not skipped: it is from before the DAG had an owner.
        """
        now = datetime.now(UTC)
        for tick in late_ticks(job.owner, job.schedule, claims_of(artifacts, job.name), now):
            moment = quote(tick.isoformat())
            of_tick = f"logical_date_gte={moment}&logical_date_lte={moment}"
            for run in self._request("GET", f"{path}/dagRuns?{of_tick}")["dag_runs"]:
                if run["state"] in ("success", "failed") and has_to_claim(run["dag_run_id"]):
                    where = f"{path}/dagRuns/{quote(run['dag_run_id'], safe='')}/clear"
                    self._request("POST", where, {"dry_run": False})

    def _wait_for_parse(
        self, path: str, before: Mapping[str, Any], expected: str | None
    ) -> Mapping[str, Any]:
        """Return the DAG once it was parsed again and shows the expected schedule."""
        deadline = time.monotonic() + PARSE_SECONDS
        while True:
            dag = self._request("GET", path)
            shown = dag["timetable_summary"] if dag["next_dagrun_run_after"] else None
            if dag["last_parsed_time"] != before["last_parsed_time"] and shown == expected:
                return dag
            if time.monotonic() > deadline:
                raise CannotGoOnError(_still(dag, PARSE_SECONDS))
            time.sleep(POLL_SECONDS)

    def _request(self, method: str, path: str, body: Any = None) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        answer = request(method, self._url + path, _soon(), json_body=body, headers=headers)
        # 409: the file is already waiting to be parsed.
        if answer.status < 300 or (method == "PUT" and answer.status == 409):
            return json_object(answer)
        if answer.status == 404:
            raise CannotGoOnError(
                f"it has no {path.removeprefix('/api/v2/')}; put the compiled folder where its DAG "
                "processor looks"
            )
        raise CannotGoOnError(
            f"{method} {path} answers with HTTP {answer.status}"
            + ("; give the user of the settings that right" if answer.status == 403 else "")
        )


def _summary(job: Job) -> str | None:
    """Return the timetable's summary of a job's ticks, as Airflow shows it; None if it has none."""
    schedule, trigger = job.schedule, job.trigger
    if schedule is None or not schedule.enabled:
        return None
    is_both = trigger is not None and trigger.enabled
    return f"{'Asset or ' if is_both else ''}{schedule.cron} {schedule.timezone}"


def _still(dag: Mapping[str, Any], seconds: float) -> str:
    if dag.get("has_import_errors"):
        return "its DAG processor cannot import dag.py; see the import errors in its pages"
    return (
        f"after {seconds:.0f} s it still shows {dag['timetable_summary']}; see whether "
        "`airflow dag-processor` runs and reads the same schedule store"
    )


def _soon() -> float:
    return time.monotonic() + ANSWER_SECONDS


def running_schedule(
    artifacts: CompiledArtifacts, name: str, settings: Mapping[str, Any]
) -> RunningSchedule | None:
    """Return the schedule that Airflow reports. See `ScheduleReporter`."""
    path = f"/dags/{quote(dag_id(artifacts, artifacts.job(name)))}"
    try:
        dag = Access.of(settings, ANSWER_SECONDS).ask("GET", path)
    except CannotGoOnError:
        return None
    if not dag:
        return None
    moment = dag.get("next_dagrun_run_after")
    if moment is None or dag.get("is_paused"):
        return RunningSchedule(None, is_enabled=False)
    return RunningSchedule(datetime.fromisoformat(moment).astimezone(UTC), is_enabled=True)
