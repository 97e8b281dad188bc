"""How a run ended, as whoever saw its end reports it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from floe_core.build_events import NodeResult


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """The end of one run of a job.

    `run_id` is the same for all who see this end, and another one when a person has the run go on.
    `results` is node id -> last result; empty where nobody knows. `problem` says why it failed
    where no node does. `was_repeated` is whether it took more than one attempt. `link` is its place
    in the orchestrator's pages, "" for none. `ended_at` is None where it is reported right away.
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
