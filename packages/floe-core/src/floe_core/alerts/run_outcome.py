"""How a run ended, as reported by the process that saw its end, and which alerts that requires."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from floe_core.runs.build_events import CULPRITS, NodeResult
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas.policies import AlertKind


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


@dataclass(frozen=True, slots=True)
class OpenFailure:
    """A job whose last runs have failed. `node_ids` have failed and not passed since."""

    node_ids: frozenset[str]

    def after(self, outcome: RunOutcome) -> OpenFailure | None:
        """Return what is left of the failure after a run that succeeded, None if it is over.

        A run of other nodes says nothing about those that failed.
        """
        left = frozenset(i for i in self.node_ids if not _has_passed(outcome, i))
        return OpenFailure(left) if left and outcome.results else None


def kinds_of(outcome: RunOutcome, before: OpenFailure | None) -> tuple[AlertKind, ...]:
    """Return the kinds of alert for a run's end; `before` is the job's earlier failure, if any.

    A run warns if a node does, or if it succeeded only after a retry; in a recovery, the retry is
    not mentioned.
    """
    if not outcome.succeeded:
        return ("failure",)
    kinds: list[AlertKind] = []
    if before is not None and failure_after(outcome, before) is None:
        kinds.append("recovery")
    has_warned = any(result.status == "warn" for result in outcome.results.values())
    if has_warned or (outcome.was_repeated and not kinds):
        kinds.append("warning")
    return tuple(kinds)


def failure_after(outcome: RunOutcome, before: OpenFailure | None) -> OpenFailure | None:
    """Return the job's failure after a run, None for none.

    A run that read no rows shows that everything builds, not that the data is right.
    """
    if outcome.succeeded and outcome.parameters.empty:
        return before
    if outcome.succeeded:
        return before.after(outcome) if before else None
    culprits = frozenset(i for i, r in outcome.results.items() if r.status in CULPRITS)
    return OpenFailure(culprits | (before.node_ids if before else set()))


def is_whole_and_green(outcome: RunOutcome, node_ids: Iterable[str]) -> bool:
    """Return whether a run succeeded with all of a job's nodes, or with unknown nodes.

    A run of some nodes, chosen by hand, does not make the job's data complete, nor does one that
    read no rows.
    """
    if not outcome.succeeded or outcome.parameters.empty:
        return False
    if not outcome.results:
        return not outcome.parameters.narrows
    return all(_has_passed(outcome, node_id) for node_id in node_ids)


def _has_passed(outcome: RunOutcome, node_id: str) -> bool:
    result = outcome.results.get(node_id)
    return result is not None and result.passed and not result.is_disabled
