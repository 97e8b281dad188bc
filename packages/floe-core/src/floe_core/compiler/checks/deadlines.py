"""Read the deadlines of floe.yaml: "HH:MM", and a time zone or the manifest's."""

from __future__ import annotations

import re
from collections.abc import Iterator

from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.compiler.settings import alert_rules
from floe_core.schedules import check_timezone
from floe_core.schemas.policies import Deadline
from floe_core.schemas.text_forms import TIME_OF_DAY
from floe_core.user_yaml.source_map import Location

_FIX = 'write hours and minutes, and a time zone: "07:30 Europe/London"'


def check_deadlines(inputs: Inputs, findings: Findings) -> None:
    """Note invalid deadlines, and give notice of a deadline without an alert for it."""
    for location, job, text in _deadlines(inputs):
        time, _, zone = text.partition(" ")
        complaint, fix = "", ""
        if not re.fullmatch(TIME_OF_DAY.pattern, time):
            complaint, fix = f"'{time[:80]}' is not a time of day", _FIX
        elif zone:
            try:
                check_timezone(zone.strip())
            except ValueError as error:
                complaint = str(error)
        if complaint:
            what = f"{'.'.join(str(step) for step in location)}: {complaint}"
            findings.add(inputs.spec_document.problem(location, what, fix))
        elif not _has_listener(inputs, job):
            findings.notice(
                f"job '{job}' has a deadline, but no alert reports when it is missed: add "
                "`lateness` to `on` of an entry of `alerts`"
            )


def deadline_in(text: str | None, inputs: Inputs) -> Deadline | None:
    """Return a deadline of floe.yaml, None for none and for a wrong one."""
    time, _, zone = (text or "").partition(" ")
    if not re.fullmatch(TIME_OF_DAY.pattern, time):
        return None
    return Deadline(time=time, timezone=zone.strip() or inputs.manifest.defaults.timezone)


def _deadlines(inputs: Inputs) -> Iterator[tuple[Location, str, str]]:
    if inputs.spec.deadline is not None:
        yield ("deadline",), inputs.spec.metadata.name, inputs.spec.deadline
    for index, job in enumerate(inputs.spec.jobs):
        if job.deadline is not None:
            yield ("jobs", index, "deadline"), job.name, job.deadline


def _has_listener(inputs: Inputs, job: str) -> bool:
    rules = alert_rules(inputs)
    return any("lateness" in rule.on and (not rule.jobs or job in rule.jobs) for rule in rules)
