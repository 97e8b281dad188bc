"""How a run ended, as whoever saw its end reports it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from floe_core.build_events import NodeResult
from floe_core.run_parameters import RunParameters


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """The end of one run of a job.

    `run_id` is the same for all who see this end, and another one when a person has the run go on.
    `results` is node id -> last result; empty where nobody knows. `problem` says why it failed
    where no node does. `was_repeated` is whether it took more than one attempt. `link` is its place
    in the orchestrator's pages, "" for none. `ended_at` is None where it is reported right away.
    `parameters` are what the run was given.
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
    """Return the parameters among what a run was given, none where one cannot be read.

    Nodes that were named one by one, under the name `node_ids`, narrow it as a selection does.

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
