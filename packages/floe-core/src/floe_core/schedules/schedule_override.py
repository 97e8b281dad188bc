"""What a deployment says of one job's schedule, over what floe.yaml says."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from floe_core.schemas.frozen import Frozen
from floe_core.schemas.policies import Schedule

Switch = Literal["on", "off"]


class ScheduleOverride(Frozen):
    """One entry of the schedule store, written at `since` (aware, UTC).

    `cron` of "" leaves expression and zone to floe.yaml, `switch` of None leaves to it whether the
    schedule is enabled. `removed` takes the job's schedule away.
    """

    since: datetime
    cron: str = ""
    timezone: str = ""
    switch: Switch | None = None
    removed: bool = False

    def over(self, declared: Schedule | None) -> Schedule | None:
        """Return the schedule that holds, given the one of floe.yaml."""
        if self.removed:
            return None
        rule = Schedule(cron=self.cron, timezone=self.timezone) if self.cron else declared
        if rule is None:
            return None
        enabled = rule.enabled if self.switch is None else self.switch == "on"
        return rule.model_copy(update={"enabled": enabled, "since": self.since})
