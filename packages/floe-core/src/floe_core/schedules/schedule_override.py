"""A deployment's override of one job's schedule in floe.yaml."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import ValidationError

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schedules.dialect import parse_cron
from floe_core.schedules.ownership import other_owner, starts_by_itself
from floe_core.schedules.zones import check_timezone
from floe_core.schemas.frozen import Frozen
from floe_core.schemas.policies import Job, Owner, Schedule

Switch = Literal["on", "off"]


class ScheduleOverride(Frozen):
    """One entry of the schedule store, written at `since` (aware, UTC).

    With `cron` of "", expression and zone come from floe.yaml; with `switch` of None, so does
    whether the job starts by itself. `removed` removes the job's schedule. An entry that has only
    an `owner` leaves the schedule as it is in floe.yaml.
    """

    since: datetime
    cron: str = ""
    timezone: str = ""
    switch: Switch | None = None
    removed: bool = False
    owner: Owner | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it overrides nothing."""
        return self == ScheduleOverride(since=self.since)

    @property
    def changes_schedule(self) -> bool:
        """Whether it overrides more than who owns the job."""
        return not self.model_copy(update={"owner": None}).is_empty

    def over_job(self, job: Job, orchestrator: str) -> Job:
        """Return the resulting job on an orchestrator, given the one of floe.yaml."""
        schedule, trigger = self.over(job.schedule), job.trigger
        if schedule is not None and other_owner(self.owner, orchestrator):
            schedule = schedule.model_copy(update={"enabled": False})
        if trigger is not None:
            enabled = trigger.enabled if self.switch is None else self.switch == "on"
            enabled = enabled and not starts_by_itself(self.owner, orchestrator)
            trigger = trigger.model_copy(update={"enabled": enabled})
        owner = self.owner or job.owner
        changed = {"schedule": schedule, "trigger": trigger, "owner": owner}
        return job.model_copy(update=changed)

    def over(self, declared: Schedule | None) -> Schedule | None:
        """Return the resulting schedule, given the one of floe.yaml."""
        if self.removed:
            return None
        if self.owner and not self.changes_schedule:
            return declared
        rule = declared or Schedule(cron=self.cron) if self.cron else declared
        if self.cron and rule is not None:
            times = {"cron": self.cron, "timezone": self.timezone, "enabled": True}
            rule = rule.model_copy(update=times)
        if rule is None:
            return None
        enabled = rule.enabled if self.switch is None else self.switch == "on"
        return rule.model_copy(update={"enabled": enabled, "since": self.since})


Overrides = Mapping[str, ScheduleOverride]


SCHEMA_VERSION = "1.0"
# Of a text with owners, or with jobs of environments (`job@environment`), so that a floe that knows
# none of them refuses it, and names the reason.
WITH_OWNERS, WITH_ENVIRONMENTS = "1.1", "1.2"


class _Document(Frozen):
    schema_version: str = SCHEMA_VERSION
    jobs: dict[str, ScheduleOverride] = {}


def text_of(overrides: Overrides) -> str:
    """Return the text that a store keeps."""
    has_owners = any(override.owner for override in overrides.values())
    version = WITH_OWNERS if has_owners else SCHEMA_VERSION
    version = WITH_ENVIRONMENTS if any("@" in name for name in overrides) else version
    document = _Document(jobs=dict(sorted(overrides.items())))
    fields = document.model_dump(mode="json", exclude_defaults=True)
    return json.dumps({"schema_version": version, **fields}, indent=2, ensure_ascii=False)


def overrides_in(text: str | bytes, place: str) -> Overrides:
    """Return the overrides in a store's text.

    Raises:
        EnvironmentProblemError: The text is something else, or of a version that is not known here.
    """
    _check_version(text, place)
    try:
        jobs = _Document.model_validate_json(text).jobs
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        what = f"{where}: {first['msg']}" if where else first["msg"]
        raise _no_schedules(place, what) from None
    for name, override in jobs.items():
        try:
            if override.cron:
                parse_cron(override.cron)
                check_timezone(override.timezone)
        except ValueError as error:
            raise _no_schedules(place, f"jobs.{name[:80]}: {error}") from None
    return jobs


def _check_version(text: str | bytes, place: str) -> None:
    """Refuse another version before its fields are read; files without one are of version 1.0."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return
    version = fields.get("schema_version", SCHEMA_VERSION) if isinstance(fields, dict) else ""
    if version not in ("", SCHEMA_VERSION, WITH_OWNERS, WITH_ENVIRONMENTS):
        raise EnvironmentProblemError(
            f"{place} has schema version {str(version)[:80]}, and this floe reads "
            f"{SCHEMA_VERSION} to {WITH_ENVIRONMENTS}; install the floe that wrote it, or remove "
            "it for the schedules of floe.yaml"
        )


def _no_schedules(place: str, what: str) -> EnvironmentProblemError:
    return EnvironmentProblemError(
        f"{place} does not hold floe's schedules ({what}); fix or remove it"
    )
