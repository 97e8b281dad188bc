"""The messages between the command line and the process of a launched run, one line each."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib import import_module

from floe_core.plugin_api.powers import RunOptions, RunStatus
from floe_core.runs.run_parameters import RunParameters, TimeRange

_END = "run_end"


@dataclass(frozen=True, slots=True)
class RunOrder:
    """What to run of the product in `project_dir`.

    `run_id` is the id for the run, unless the orchestrator assigns one itself.
    """

    project_dir: str
    run_id: str
    options: RunOptions

    def to_line(self) -> str:
        """Return the order as one line of JSON.

        >>> order = RunOrder("/shop", "r", RunOptions("daily", node_ids=("seed.shop.raw",)))
        >>> RunOrder.from_line(order.to_line()) == order
        True
        """
        options = self.options
        fields = {
            "job": options.job,
            "node_ids": options.node_ids,
            "nominal_time": _iso(options.nominal_time),
            "range": [_iso(options.range.start), _iso(options.range.end)]
            if options.range
            else None,
            "parameters": options.parameters.as_given(),
        }
        return json.dumps(
            {"project_dir": self.project_dir, "run_id": self.run_id, "options": fields}
        )

    @classmethod
    def from_line(cls, line: str) -> RunOrder:
        """Return the order that `to_line` wrote."""
        content = json.loads(line)
        fields = content["options"]
        ids, moment, span = fields["node_ids"], fields["nominal_time"], fields["range"]
        options = RunOptions(
            job=fields["job"],
            node_ids=None if ids is None else tuple(ids),
            nominal_time=None if moment is None else datetime.fromisoformat(moment),
            range=None if span is None else TimeRange(*map(datetime.fromisoformat, span)),
            parameters=RunParameters.given(fields["parameters"]),
        )
        return cls(content["project_dir"], content["run_id"], options)


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How the run ended, according to the orchestrator itself."""

    status: RunStatus
    run_id: str
    seconds: float
    message: str

    def to_line(self) -> str:
        """Return the end as one line of JSON that can't be mistaken for a build event."""
        return json.dumps({_END: asdict(self)})


def end_in(line: str) -> RunEnd | None:
    """Return the end of the run that a line holds; None for a build event.

    >>> end_in(RunEnd("success", "1", 1.5, "").to_line())
    RunEnd(status='success', run_id='1', seconds=1.5, message='')
    """
    fields = json.loads(line)
    return RunEnd(**fields[_END]) if _END in fields else None


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def import_needed() -> None:
    """Import the modules that the command line names after the file descriptor, if installed."""
    for name in sys.argv[2:]:
        # The code that needs the module imports it again and reports the failure.
        with suppress(ImportError):
            import_module(name)


def await_order() -> RunOrder:
    """Return the order read from standard input.

    Exits if standard input ends without one: the parent no longer needs this process.
    """
    line = sys.stdin.readline()
    if not line:
        raise SystemExit(0)
    return RunOrder.from_line(line)
