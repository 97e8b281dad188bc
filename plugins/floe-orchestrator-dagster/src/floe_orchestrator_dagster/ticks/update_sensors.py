"""Makes a Dagster sensor for each job that is started by updates of ports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dagster import (
    DagsterInstance,
    DagsterRunStatus,
    DefaultSensorStatus,
    RunRecord,
    RunRequest,
    RunsFilter,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
)

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.ports.decision import Decision
from floe_core.ports.watch import SECONDS_BETWEEN_LOOKS, look, repeated_key, wait_to_repeat
from floe_core.schedules.ownership import starts_by_itself
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_orchestrator_dagster.names.dagster_names import UPDATES_TAG, update_sensor_name
from floe_orchestrator_dagster.names.partitions import tags_of_run
from floe_orchestrator_dagster.names.repository_of_run import is_in, repository_of_sensor

if TYPE_CHECKING:
    from floe_orchestrator_dagster.internals import AssetJob

_UNFINISHED = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.MANAGED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]
_ENDED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]


def update_sensors(
    artifacts: CompiledArtifacts, jobs: Mapping[str, AssetJob]
) -> list[SensorDefinition]:
    """Return the sensors of a product, given floe's job name -> Dagster job."""
    return [
        _sensor(artifacts, job, jobs[job.name])
        for job in artifacts.jobs
        if job.trigger is not None and job.name in jobs
    ]


def _sensor(artifacts: CompiledArtifacts, job: Job, dagster_job: AssetJob) -> SensorDefinition:
    trigger = job.trigger
    assert trigger is not None
    is_on = trigger.enabled
    status = DefaultSensorStatus.RUNNING if is_on else DefaultSensorStatus.STOPPED

    def evaluate(context: SensorEvaluationContext) -> RunRequest | SkipReason:
        return _run_or_reason(artifacts, job, dagster_job.name, context)

    return SensorDefinition(
        name=update_sensor_name(artifacts, job),
        job=dagster_job,
        evaluation_fn=evaluate,
        minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
        description=f"Runs after updates of {trigger.awaited}",
        default_status=status,
    )


def _run_or_reason(
    artifacts: CompiledArtifacts, job: Job, dagster_job: str, context: SensorEvaluationContext
) -> RunRequest | SkipReason:
    """Return a run request for new updates."""
    jobs_runs = RunsOfJob(context.instance, dagster_job, repository_of_sensor(context))
    is_running, now = jobs_runs.is_running(), datetime.now(UTC)
    try:
        decision = look(artifacts, job.name, now, is_running=is_running)
    except EnvironmentProblemError as error:
        context.log.warning("%s", error)
        return SkipReason(str(error))
    if decision.action == "run":
        found = jobs_runs.request(decision.key, now)
        return _with_partitions(artifacts, job, found, now, decision.period)
    why_off = starts_by_itself(job.owner, artifacts.orchestrator.name)
    return SkipReason(_reason(decision, is_running=is_running, why_off=why_off))


def _with_partitions(
    artifacts: CompiledArtifacts,
    job: Job,
    requested: RunRequest | SkipReason,
    now: datetime,
    period: str,
) -> RunRequest | SkipReason:
    if isinstance(requested, SkipReason):
        return requested
    tags = {**requested.tags, **tags_of_run(artifacts, job, now, named=period)}
    return RunRequest(run_key=requested.run_key, tags=tags)


@dataclass(frozen=True, slots=True)
class RunsOfJob:
    """The runs of a job of Dagster's in one code location."""

    instance: DagsterInstance
    job: str
    repository: str

    def request(self, key: str, now: datetime) -> RunRequest | SkipReason:
        """Return a run request for updates; a reason if a run for them has ended just now.

        Such a run has ended before it began to build, or the updates would not be new. Dagster
        starts only one run per `run_key`, so the next one has another.
        """
        tags = {UPDATES_TAG: key}
        ended = self._found(_ENDED, tags)
        if ended:
            last = max(ended, key=lambda record: record.update_timestamp)
            until = last.update_timestamp.astimezone(UTC) + wait_to_repeat(len(ended))
            if now < until:
                run_id, moment = last.dagster_run.run_id, until.isoformat(timespec="seconds")
                reason = f"run {run_id} for {key} ended before it began to build"
                return SkipReason(f"{reason}; the next one starts after {moment}")
        return RunRequest(run_key=repeated_key(key, len(ended)), tags=tags)

    def is_running(self) -> bool:
        """Return whether a run is queued or running.

        A run that the sensor created but never submitted does not count: the daemon was killed in
        between, and abandons the run after a day. If it is requested again, Dagster submits it.
        """
        runs = (record.dagster_run for record in self._found(_UNFINISHED))
        return any(
            run.status != DagsterRunStatus.NOT_STARTED or UPDATES_TAG not in run.tags
            for run in runs
        )

    def _found(
        self, statuses: list[DagsterRunStatus], tags: Mapping[str, str] | None = None
    ) -> list[RunRecord]:
        wanted = RunsFilter(job_name=self.job, tags=tags, statuses=statuses)
        found = self.instance.get_run_records(wanted)
        return [each for each in found if is_in(self.repository, each.dagster_run)]


def _reason(decision: Decision, *, is_running: bool, why_off: str) -> str:
    if decision.action == "skip":
        return f"too late: {', '.join(decision.missing)} had no update in time"
    if decision.is_off:
        return why_off or "the job is paused, or its environment has no schedules"
    if not decision.updates:
        return "no port has a new update"
    if is_running:
        return f"new: {decision.key}; a run is under way"
    until = f" until {decision.until.isoformat(timespec='seconds')}" if decision.until else ""
    return f"new: {decision.key}; waiting{until} for {decision.waits_for}"
