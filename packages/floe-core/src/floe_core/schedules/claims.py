"""Claims of ticks: each tick of a job with an owner is built by the one run that claimed it.

They are one text of a product, where its schedules are, and written before anything is built.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from pydantic import AwareDatetime, ValidationError

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schedules.live_schedules import live_job
from floe_core.schedules.ownership import LONGEST_LATE, runs_tick
from floe_core.schedules.schedule_store import CLAIMS, shared_place
from floe_core.schedules.ticks import ticks_between
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.frozen import Frozen
from floe_core.schemas.policies import Job, Owner, Schedule
from floe_core.storage.environment_choice import name_in_environment
from floe_core.storage.shared_text import FileText, SharedText, shared_text

# Of a job; more if they are younger than `LONGEST_LATE`.
KEPT = 2000
SECONDS_BETWEEN_ATTEMPTS = 15.0
_INSTANT = timedelta(microseconds=1)


class Claim(Frozen):
    """The run of an orchestrator that builds a tick, by an id that its retries share."""

    orchestrator: str
    epoch: int
    run: str
    at: AwareDatetime


Claims = Mapping[datetime, Claim]


class _Document(Frozen):
    schema_version: str = "1.0"
    jobs: Mapping[str, Mapping[AwareDatetime, Claim]] = {}


def claim_tick(artifacts: CompiledArtifacts, job_name: str, tick: datetime, run: str) -> str:
    """Return why a run may not build a tick, "" if it may: the tick is now claimed by the run.

    A run that has the claim may build the tick again, whoever owns the job since.

    Raises:
        EnvironmentProblemError: The store cannot be read or written; nothing is claimed.
    """
    owner, here = live_job(artifacts, artifacts.job(job_name)).owner, artifacts.orchestrator.name
    if owner is None:
        return ""
    claim = Claim(orchestrator=here, epoch=owner.epoch, run=run, at=datetime.now(UTC))
    if why := runs_tick(owner, here, tick):
        return _verdict(claims_of(artifacts, job_name).get(tick), claim, why)
    return _verdict(record_claim(artifacts, job_name, tick, claim), claim, "")


def record_claim(
    artifacts: CompiledArtifacts, job_name: str, tick: datetime, claim: Claim
) -> Claim | None:
    """Write a claim, unless the tick has another one; return that, None if it had none.

    Raises:
        EnvironmentProblemError: The store cannot be read or written.
    """
    text, found = _text(artifacts), cast("Claim | None", None)

    def add(content: bytes | None) -> bytes:
        nonlocal found
        jobs = _jobs(text, content)
        claims = _claims(artifacts, jobs, job_name)
        found = claims.get(tick)
        return _text_of(artifacts, jobs, job_name, {tick: claim, **claims})

    text.change(add)
    return found


def wait_to_claim(
    artifacts: CompiledArtifacts,
    job_name: str,
    tick: datetime,
    run: str,
    warn: Callable[[str], None],
) -> str:
    """Return what `claim_tick` returns, as soon as the store can be used; warn of each failure."""
    while True:
        try:
            return claim_tick(artifacts, job_name, tick, run)
        except EnvironmentProblemError as error:
            warn(f"the tick {tick.isoformat()} waits until it can be claimed: {error}")
            time.sleep(SECONDS_BETWEEN_ATTEMPTS)


def claims_of(artifacts: CompiledArtifacts, job_name: str) -> Claims:
    """Return the claims of a job by tick, in order.

    Raises:
        EnvironmentProblemError: The store cannot be read.
    """
    text = _text(artifacts)
    return _claims(artifacts, _jobs(text, text.read()), job_name)


def late_ticks(
    owner: Owner | None, schedule: Schedule | None, claims: Claims, now: datetime
) -> list[datetime]:
    """Return the ticks up to now that the owner runs even if they are late, and has not, in order.

    An owner that has claimed no tick since a move runs each one, and one that is giving the job
    away those that it has missed before; none is of before `LONGEST_LATE`.
    """
    if owner is None or schedule is None or not schedule.enabled:
        return []
    is_new = owner.epoch > 1 and all(claim.epoch < owner.epoch for claim in claims.values())
    first = owner.first_tick if is_new else owner.late_from or owner.first_tick
    last = None if is_new else owner.late_until
    start = max(first, schedule.since or first, now - LONGEST_LATE)
    end = min(last or now, now) + _INSTANT
    ticks = ticks_between(schedule.cron, schedule.timezone, start, min(end, owner.until or end))
    left = _left_behind(owner, schedule, claims, now)
    return sorted({tick for tick in (*ticks, *left) if tick not in claims})


def _left_behind(owner: Owner, schedule: Schedule, claims: Claims, now: datetime) -> list[datetime]:
    """Return the ticks since the last claim that an owner has missed before it hands over."""
    done = [tick + _INSTANT for tick in claims if owner.until and tick < owner.until]
    since = [each for each in (owner.late_from, *done) if each]
    if owner.until is None or not since:
        return []
    begin = max(*since, owner.first_tick, schedule.since or owner.first_tick, now - LONGEST_LATE)
    end = max(begin, min(owner.until, now + _INSTANT))
    ticks = ticks_between(schedule.cron, schedule.timezone, begin, end)
    return ticks if schedule.catchup else ticks[-1:]


def release(artifacts: CompiledArtifacts, job_name: str, tick: datetime, claim: Claim) -> bool:
    """Remove a claim if it is the tick's; return whether it was.

    Raises:
        EnvironmentProblemError: The store cannot be read or written.
    """
    text, was_there = _text(artifacts), False

    def remove(content: bytes | None) -> bytes:
        nonlocal was_there
        jobs = _jobs(text, content)
        claims = dict(_claims(artifacts, jobs, job_name))
        was_there = claims.get(tick) == claim
        if was_there:
            del claims[tick]
        return _text_of(artifacts, jobs, job_name, claims)

    text.change(remove)
    return was_there


def _verdict(found: Claim | None, claim: Claim, why: str) -> str:
    """Return why a claim does not stand beside the one that was found, or for another reason."""
    if found is None:
        return why
    if (found.orchestrator, found.run) == (claim.orchestrator, claim.run):
        return ""
    return f"{found.orchestrator} builds this tick, in run {found.run}"


def _text(artifacts: CompiledArtifacts) -> SharedText:
    place = shared_place(artifacts.orchestrator.config)
    name = f"{artifacts.product.name}.{CLAIMS}" if place else CLAIMS
    return shared_text(place, name) if place else FileText(artifacts.folder / f"{name}.json")


def _jobs(text: SharedText, content: bytes | None) -> Mapping[str, Claims]:
    if content is None:
        return {}
    try:
        return _Document.model_validate_json(content).jobs
    except ValidationError as error:
        what = f"{text.place} does not hold floe's claims of ticks ({error.errors()[0]['msg']})"
        raise EnvironmentProblemError(f"{what}; fix it, or restore it") from None


def _claims(artifacts: CompiledArtifacts, jobs: Mapping[str, Claims], job_name: str) -> Claims:
    """Return a job's claims; an environment begins with those that were made without any."""
    own = name_in_environment(job_name, artifacts.environment)
    return jobs.get(own, jobs.get(job_name, {}))


def _text_of(
    artifacts: CompiledArtifacts, jobs: Mapping[str, Claims], job_name: str, claims: Claims
) -> bytes:
    """Return the text with these claims of a job, but for those that are old and many."""
    newest = sorted(claims.items())
    young = datetime.now(UTC) - LONGEST_LATE
    kept = [each for each in newest[:-KEPT] if each[1].at >= young] + newest[-KEPT:]
    own = name_in_environment(job_name, artifacts.environment)
    return _Document(jobs={**jobs, own: dict(kept)}).model_dump_json().encode()


@dataclass(frozen=True)
class OwnedTicks:
    """The ticks of a job, as the schedule store has it now, and its owner."""

    artifacts: CompiledArtifacts
    job: Job
    owner: Owner

    def why_not(self, tick: datetime) -> str:
        """Return why this orchestrator does not start a tick, "" if it does."""
        return runs_tick(self.owner, self.artifacts.orchestrator.name, tick)

    def late(self, now: datetime) -> list[datetime]:
        """Return the ticks that passed during a move, and that no run has claimed, in order.

        Raises:
            EnvironmentProblemError: The store cannot be read.
        """
        claims = claims_of(self.artifacts, self.job.name)
        return late_ticks(self.owner, self.job.schedule, claims, now)
