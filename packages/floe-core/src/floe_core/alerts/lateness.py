"""Decide whether a job has missed its deadline, and word the alert for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from floe_core.alerts.alert import Alert, alert_from, alert_id, facts_of_job, job_title
from floe_core.schedules import check_timezone, latest_tick, next_tick, ticks_between
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Deadline, Job, Schedule
from floe_core.secrets.redactor import Redactor

# Of the deadlines met, as many as are kept. Whoever looks at them does so more often than once in
# as many days.
_MOST_KEPT = 10
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class GreenRuns:
    """What is known about a job's runs that built all of it and succeeded.

    `met` are the last deadlines that one of them met. `last_end` is when the last of them ended,
    `last_nominal_time` its tick; all are aware times.
    """

    met: frozenset[datetime] = frozenset()
    last_end: datetime | None = None
    last_nominal_time: datetime | None = None

    def after(
        self, end: datetime, nominal_time: datetime | None, deadline: Deadline | None
    ) -> GreenRuns:
        """Return what is known after one more such run."""
        moment = deadline_met(deadline, end, nominal_time) if deadline else None
        met = frozenset(sorted(self.met | ({moment} if moment else set()))[-_MOST_KEPT:])
        if self.last_end is not None and end < self.last_end:
            return GreenRuns(met, self.last_end, self.last_nominal_time)
        return GreenRuns(met, end, nominal_time)

    def meet(self, deadline: Deadline, moment: datetime) -> bool:
        """Return whether one of them was in time for that moment of a deadline.

        The last run is also checked, in case the deadline has changed since.
        """
        if moment in self.met:
            return True
        end = self.last_end
        return end is not None and deadline_met(deadline, end, self.last_nominal_time) == moment


def jobs_with_deadlines(artifacts: CompiledArtifacts) -> list[Job]:
    """Return the jobs whose deadlines are watched: none for a product without alerts."""
    return [job for job in artifacts.jobs if job.deadline] if artifacts.alerts else []


def missed_deadline(
    deadline: Deadline,
    schedule: Schedule | None,
    runs: GreenRuns,
    now: datetime,
    since: datetime,
) -> datetime | None:
    """Return the last moment of a deadline before `now` if it was missed, in UTC; None if not.

    A deadline has a moment each day. It concerns the runs since the moment before: with a
    schedule, it can only be missed if there was a tick since then. A schedule that is off has no
    ticks. No moment before `since` is missed: nobody looked then.
    """
    cron = daily_cron(deadline)
    moment = latest_tick(cron, deadline.timezone, now)
    if moment < since or runs.meet(deadline, moment):
        return None
    begin = latest_tick(cron, deadline.timezone, moment - _MOMENT)
    return moment if _is_expected(schedule, begin, moment) else None


def deadline_met(
    deadline: Deadline, end: datetime, nominal_time: datetime | None
) -> datetime | None:
    """Return the moment of a deadline that a run was in time for, in UTC; None for none.

    That is the first one that is not before the run's end. A run for a tick before the deadline of
    the day before is late for that one, and meets none.
    """
    cron = daily_cron(deadline)
    moment = next_tick(cron, deadline.timezone, end - _MOMENT)
    begin = latest_tick(cron, deadline.timezone, moment - _MOMENT)
    return moment if nominal_time is None or nominal_time >= begin else None


def _is_expected(schedule: Schedule | None, begin: datetime, end: datetime) -> bool:
    if schedule is None:
        return True
    if not schedule.enabled:
        return False
    start = max(begin, schedule.since) if schedule.since else begin
    return bool(ticks_between(schedule.cron, schedule.timezone, start, end))


def daily_cron(deadline: Deadline) -> str:
    """Return a deadline as a cron expression: when clocks change it is moved as ticks are.

    >>> daily_cron(Deadline(time="07:30"))
    '30 7 * * *'
    """
    hours, minutes = deadline.time.split(":")
    return f"{int(minutes)} {int(hours)} * * *"


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
