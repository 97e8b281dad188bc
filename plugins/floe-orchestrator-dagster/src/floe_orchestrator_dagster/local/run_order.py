"""What the command line and the process that runs Dagster say to each other, a line each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from floe_core.plugin_powers import RunStatus

_END = "run_end"


@dataclass(frozen=True, slots=True)
class RunOrder:
    """What to run. Times are in ISO format, "" for none."""

    product: str
    project_dir: str
    run_id: str
    job: str
    node_ids: tuple[str, ...] | None
    nominal_time: str
    range_start: str = ""
    range_end: str = ""
    vars: Mapping[str, Any] = field(default_factory=dict)

    def to_line(self) -> str:
        """Return the order as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_line(cls, line: str) -> RunOrder:
        """Return the order that `to_line` wrote."""
        fields = json.loads(line)
        node_ids = fields.pop("node_ids")
        return cls(node_ids=None if node_ids is None else tuple(node_ids), **fields)


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How the run ended, as Dagster's instance has it."""

    status: RunStatus
    seconds: float
    message: str

    def to_line(self) -> str:
        """Return the end as one line of JSON, unlike any build event's."""
        return json.dumps({_END: asdict(self)})


def end_in(line: str) -> RunEnd | None:
    """Return the end that a line tells; None for a build event.

    >>> end_in(RunEnd("success", 1.5, "").to_line())
    RunEnd(status='success', seconds=1.5, message='')
    """
    fields = json.loads(line)
    return RunEnd(**fields[_END]) if _END in fields else None
