"""How a run ended, as reported by the process that saw its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from floe_core.runs.build_events import NodeResult
from floe_core.runs.run_parameters import RunParameters


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """The end of one run of a job.

    `run_id` is the same for every process that sees this end, and differs if a person continues the
    run. `results` is node id -> last result; empty if not known. `problem` says why it failed if no
    node does. `was_repeated` is whether it took more than one attempt. `link` is the URL of its
    page in the orchestrator, "" for none. `ended_at` is None if it is reported right away.
    `parameters` are those of the run.
    """

    job: str
    run_id: str
    succeeded: bool
    results: Mapping[str, NodeResult] = field(default_factory=dict)
    problem: str = ""
    was_repeated: bool = False
    nominal_time: datetime | None = None
    link: str = ""
    ended_at: datetime | None = None
    parameters: RunParameters = field(default_factory=RunParameters)


def parameters_among(values: Mapping[str, Any], node_ids: str = "node_ids") -> RunParameters:
    """Return the parameters among a run's values, none if one cannot be read.

    Nodes named one by one, under the name `node_ids`, narrow the run like a selection.

    >>> parameters_among({"empty": True, "node_ids": None, "range_start": None}).empty
    True
    >>> parameters_among({"node_ids": ["model.shop.a"]}).narrows
    True
    """
    try:
        given = RunParameters.given(values)
    except ValueError:
        return RunParameters()
    if given.narrows or not values.get(node_ids):
        return given
    return given.model_copy(update={"select": " ".join(map(str, values[node_ids]))})
