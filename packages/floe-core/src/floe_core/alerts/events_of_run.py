"""Decide which alerts the end of a run requires."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from floe_core.alerts.run_outcome import RunOutcome
from floe_core.runs.build_events import CULPRITS
from floe_core.schemas.policies import AlertKind


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
