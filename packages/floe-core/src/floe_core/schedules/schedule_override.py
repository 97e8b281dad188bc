"""A deployment's override of one job's schedule in floe.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import ValidationError

from floe_core.errors import EnvironmentProblemError
from floe_core.schedules.dialect import parse_cron
from floe_core.schedules.zones import check_timezone
from floe_core.schemas.frozen import Frozen
from floe_core.schemas.policies import Schedule

Switch = Literal["on", "off"]


class ScheduleOverride(Frozen):
    """One entry of the schedule store, written at `since` (aware, UTC).

    With `cron` of "", expression and zone come from floe.yaml; with `switch` of None, so does
    whether the schedule is enabled. `removed` removes the job's schedule.
    """

    since: datetime
    cron: str = ""
    timezone: str = ""
    switch: Switch | None = None
    removed: bool = False

    def over(self, declared: Schedule | None) -> Schedule | None:
        """Return the resulting schedule, given the one of floe.yaml."""
        if self.removed:
            return None
        rule = Schedule(cron=self.cron, timezone=self.timezone) if self.cron else declared
        if rule is None:
            return None
        enabled = rule.enabled if self.switch is None else self.switch == "on"
        return rule.model_copy(update={"enabled": enabled, "since": self.since})


Overrides = Mapping[str, ScheduleOverride]


class _Document(Frozen):
    schema_version: str = "1.0"
    jobs: dict[str, ScheduleOverride] = {}


def text_of(overrides: Overrides) -> str:
    """Return the text that a store keeps."""
    return _Document(jobs=dict(sorted(overrides.items()))).model_dump_json(
        indent=2, exclude_defaults=True
    )


def overrides_in(text: str | bytes, place: str) -> Overrides:
    """Return the overrides in a store's text.

    Raises:
        EnvironmentProblemError: The text is something else.
    """
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


def _no_schedules(place: str, what: str) -> EnvironmentProblemError:
    return EnvironmentProblemError(
        f"{place} does not hold floe's schedules ({what}); fix or remove it"
    )
