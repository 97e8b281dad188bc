"""The alert for a deadline that a job missed."""

from __future__ import annotations

from datetime import UTC, datetime

from floe_core.alerts.alert import Alert, alert_from, alert_id, facts_of_job, job_title
from floe_core.schedules import check_timezone
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_core.secrets.redactor import Redactor

_UNDER_WAY = {True: ["A run is under way."], False: ["No run is under way."], None: []}


def lateness_alert(
    artifacts: CompiledArtifacts,
    job: Job,
    moment: datetime,
    *,
    last_end: datetime | None,
    is_running: bool | None,
    redactor: Redactor,
) -> Alert:
    """Return the alert for a moment of a job's deadline, without secrets.

    `last_end` is when the last successful run of the whole job ended, None if none is known;
    `is_running` is whether a run is under way, None if that is not known.
    """
    facts = {
        **facts_of_job(artifacts, job.name),
        "deadline": format_moment(job, moment),
        "last successful run ended": _format_end(last_end),
    }
    lines = [
        "No run of the whole job has succeeded in time.",
        *_UNDER_WAY[is_running],
        "",
        *(f"{fact}: {value}" for fact, value in facts.items() if value),
    ]
    name = job_title(artifacts, job.name)
    return alert_from(lateness_id(artifacts, job.name, moment), "lateness", name, lines, redactor)


def lateness_id(artifacts: CompiledArtifacts, job: str, moment: datetime) -> str:
    """Return the id of the alert for a moment of a job's deadline, the same for every watcher."""
    return alert_id(artifacts.product.name, job, moment.astimezone(UTC).isoformat(), "lateness")


def format_moment(job: Job, moment: datetime) -> str:
    """Return a moment in the time zone of a job's deadline, for a person."""
    zone = job.deadline.timezone if job.deadline else "UTC"
    return f"{moment.astimezone(check_timezone(zone)):%Y-%m-%d %H:%M} {zone}"


def _format_end(end: datetime | None) -> str:
    return f"{end.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if end else "none is known"
