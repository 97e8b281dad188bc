"""Who owns the jobs of a product, and who claimed their last ticks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from floe_core.foundation.errors import FloeError, UsageError
from floe_core.plugin_api.run_history import RecordedRun
from floe_core.schedules.claims import Claim
from floe_core.schemas.policies import Owner
from floe_migrate.moving.records import Records
from floe_migrate.sides.chosen_sides import Sides

LAST = 5
# The state of a tick that has several runs, as retries on Dagster are: the first of these.
_FIRST_OF = ("running", "queued", "success", "failed", "canceled")


@dataclass(frozen=True)
class ClaimState:
    """A claim of a tick, and how its run stands: a state of `RecordedRun`, `gone`, or `unknown`.

    A retry counts as the run. `gone`: its orchestrator responds, and does not have the run among
    its last ones.
    """

    tick: datetime
    claim: Claim
    state: str


@dataclass(frozen=True)
class JobState:
    """The owner of a job, and its last claims, the newest first."""

    job: str
    owner: Owner | None
    claims: tuple[ClaimState, ...]


def job_states(records: Records, sides: Sides, jobs: Sequence[str]) -> list[JobState]:
    """Return the state of each job."""
    owners = records.owners()
    return [JobState(name, owners.get(name), _claims(records, sides, name)) for name in jobs]


def release_claim(records: Records, sides: Sides, name: str, tick: datetime) -> Claim:
    """Release the claim of a tick whose run failed or is gone, so that the owner can run it again.

    Raises:
        UsageError: Nobody claimed the tick, or its run succeeded, is in progress or unknown.
    """
    claim = records.claims(name).get(tick)
    if claim is None:
        raise UsageError(f"no run has claimed the tick {tick.isoformat()} of job '{name}'")
    state = _state(tick, claim, _runs(sides, claim.orchestrator, name))
    what = f"the tick {tick.isoformat()} of job '{name}'"
    if state == "success":
        raise UsageError(
            f"{what} was built by run {claim.run} on {claim.orchestrator}, which succeeded; to "
            "build it again, run the job by hand"
        )
    if state in ("queued", "running", "unknown"):
        raise UsageError(
            f"{what} is claimed by run {claim.run} on {claim.orchestrator}, which is {state}; "
            "release it once that run is over"
        )
    if not records.release(name, tick, claim):
        raise UsageError(f"the tick {tick.isoformat()} was claimed by another run meanwhile")
    return claim


def as_data(states: Sequence[JobState]) -> list[dict[str, Any]]:
    """Return the states as `floe migrate status --json` prints them."""
    return [
        {
            "job": each.job,
            "owner": each.owner.model_dump(mode="json") if each.owner else None,
            "claims": [
                {
                    "tick": one.tick.isoformat(),
                    **one.claim.model_dump(mode="json"),
                    "state": one.state,
                }
                for one in each.claims
            ],
        }
        for each in states
    ]


def _claims(records: Records, sides: Sides, name: str) -> tuple[ClaimState, ...]:
    newest = sorted(records.claims(name).items(), reverse=True)[:LAST]
    runs = {o: _runs(sides, o, name) for o in {claim.orchestrator for _, claim in newest}}
    return tuple(
        ClaimState(tick, claim, _state(tick, claim, runs[claim.orchestrator]))
        for tick, claim in newest
    )


def _runs(sides: Sides, orchestrator: str, name: str) -> Sequence[RecordedRun] | None:
    """Return the runs of a job; None if the orchestrator cannot be asked."""
    try:
        return sides.any_side(orchestrator).runs(name)
    except FloeError:
        return None


def _state(tick: datetime, claim: Claim, runs: Sequence[RecordedRun] | None) -> str:
    if runs is None:
        return "unknown"
    states = {
        run.state
        for run in runs
        if run.nominal_time == tick or claim.run in (run.run_id, *run.build_ids)
    }
    return next((state for state in _FIRST_OF if state in states), "gone")
