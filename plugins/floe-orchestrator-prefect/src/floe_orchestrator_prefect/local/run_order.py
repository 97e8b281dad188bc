"""What the command line and the process that runs Prefect say to each other, a line each."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from floe_core.plugin_powers import RunOptions, RunStatus

_END = "run_end"


@dataclass(frozen=True, slots=True)
class RunOrder:
    """What to run. `parameters` are those of the job's flow, as JSON has them."""

    project_dir: str
    job: str
    parameters: dict[str, Any]

    @classmethod
    def of(cls, project_dir: str, options: RunOptions) -> RunOrder:
        """Return the order for what core asks."""
        span = options.range
        given = {
            "node_ids": list(options.node_ids) if options.node_ids is not None else None,
            "nominal_time": options.nominal_time.isoformat() if options.nominal_time else None,
            "range_start": span.start.isoformat() if span else None,
            "range_end": span.end.isoformat() if span else None,
            "vars": dict(options.vars) or None,
        }
        known = {name: value for name, value in given.items() if value is not None}
        return cls(project_dir, options.job, known)

    def to_line(self) -> str:
        """Return the order as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_line(cls, line: str) -> RunOrder:
        """Return the order that `to_line` wrote."""
        return cls(**json.loads(line))


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How the flow run ended, as Prefect's API has it."""

    status: RunStatus
    run_id: str
    seconds: float
    message: str

    def to_line(self) -> str:
        """Return the end as one line of JSON, unlike any build event's."""
        return json.dumps({_END: asdict(self)})


def end_in(line: str) -> RunEnd | None:
    """Return the end that a line tells; None for a build event.

    >>> end_in(RunEnd("success", "1", 1.5, "").to_line())
    RunEnd(status='success', run_id='1', seconds=1.5, message='')
    """
    fields = json.loads(line)
    return RunEnd(**fields[_END]) if _END in fields else None
