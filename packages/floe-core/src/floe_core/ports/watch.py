"""Ask the ledger whether ports' updates start a job now, and which partitions they make stale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.ports.decision import Decision, decide
from floe_core.ports.ledger import Ledger, ledger_of
from floe_core.ports.periods import decide_period, stale_periods
from floe_core.ports.record import ProductRecord
from floe_core.schedules.live_schedules import live_job
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.ports import UpdateTrigger

# How long a watcher waits between two looks.
SECONDS_BETWEEN_LOOKS = 10
# How long until a run is started again that ended before it began to build; doubled each time.
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)


def repeated_key(key: str, ended: int) -> str:
    """Return the key of a run for updates, given how many for them ended before they could build.

    >>> repeated_key("crm/customers@1#5", 2)
    '2;crm/customers@1#5'
    """
    return f"{ended};{key}" if ended else key


def wait_to_repeat(ended: int) -> timedelta:
    """Return how long after the last of these runs the next one starts.

    >>> [wait_to_repeat(ended).seconds for ended in (1, 2, 3, 99)]
    [60, 120, 240, 3600]
    """
    return min(FIRST_WAIT * (1 << min(ended - 1, 10)), LONGEST_WAIT)


def look(
    artifacts: CompiledArtifacts, job_name: str, now: datetime, *, is_running: bool = False
) -> Decision:
    """Return what a job with a trigger does at a moment, unless it is paused; see `decide`.

    Skipped updates are recorded as seen before this returns.

    Raises:
        EnvironmentProblemError: There is no ledger, or it or the schedules cannot be read.
    """
    trigger = live_job(artifacts, artifacts.job(job_name)).trigger
    assert trigger is not None, f"job {job_name} has no trigger"
    if not trigger.enabled:
        return Decision("wait", is_off=True)
    job = TriggeredJob(artifacts.product.name, job_name, trigger)
    return look_in(ledger_of(artifacts), job, now, is_running=is_running)


@dataclass(frozen=True, slots=True)
class TriggeredJob:
    """A job of a product, and its trigger."""

    product: str
    name: str
    trigger: UpdateTrigger


def look_in(
    ledger: Ledger | None, job: TriggeredJob, now: datetime, *, is_running: bool = False
) -> Decision:
    """Return what `look` returns, without the compiled folder."""
    if ledger is None:
        what = f"{job.product} is started by updates, and there is no ledger"
        raise EnvironmentProblemError(f"{what}; name one in the manifest or in FLOE_LEDGER")
    record = ledger.read(job.product)
    if job.trigger.every is not None:
        built, begun = ledger.partitions(job.trigger.port_partitions), record.periods
        decision = decide_period(job.trigger.every, built, begun.get(job.name, {}), now)
        if is_running or not job.trigger.enabled:
            decision = replace(decision, action="wait")
    else:
        seen, updates = record.updates_seen_by(job.name), ledger.updates(job.trigger.ports)
        noticed = record.noticed.get(job.name, {})
        decision = decide(job.trigger, updates, seen, now, is_running=is_running, noticed=noticed)
        latest = now + timedelta(seconds=job.trigger.wait_seconds or 0)
        if decision.until is not None and decision.until > latest:
            # The clock of a producer is ahead. What it says cannot be waited for; from now on can.
            ledger.notice(job.product, job.name, decision.names, now)
            decision = replace(decision, until=latest)
    if decision.action == "skip":
        ledger.pass_over(job.product, job.name, decision.updates, now)
    if decision.action == "run" and record == ProductRecord():
        # Its epoch is part of the run's key: an earlier record may have had the same updates.
        record = ledger.begin_record(job.product)
    return replace(decision, epoch=record.epoch)


def stale_by_job(artifacts: CompiledArtifacts) -> dict[str, tuple[str, ...]]:
    """Return name of a job that runs for `every` period -> the keys of its stale ones, in order.

    Raises:
        EnvironmentProblemError: The ledger cannot be read.
    """
    found: dict[str, tuple[str, ...]] = {}
    ledger = ledger_of(artifacts)
    for job in artifacts.jobs:
        trigger = job.trigger
        if trigger is None or trigger.every is None or ledger is None:
            continue
        begun = ledger.read(artifacts.product.name).periods.get(job.name, {})
        built = ledger.partitions(trigger.port_partitions)
        found[job.name] = stale_periods(trigger.every, built, begun, datetime.now(UTC))
    return found


def stale_by_node(artifacts: CompiledArtifacts) -> Mapping[str, frozenset[str]]:
    """Return id of a partitioned node -> the keys of its stale partitions, because of its ports.

    Raises:
        EnvironmentProblemError: The ledger cannot be read.
    """
    found: dict[str, frozenset[str]] = {}
    stale = {name: keys for name, keys in stale_by_job(artifacts).items() if keys}
    if not stale or artifacts.partitions is None:
        return found
    below = artifacts.graph.below(port.node_id for port in artifacts.input_ports if port.node_id)
    for name, keys in stale.items():
        for node in artifacts.nodes_of(artifacts.job(name)):
            if node.unique_id in below & artifacts.partitions.members:
                found[node.unique_id] = found.get(node.unique_id, frozenset()) | {*keys}
    return found
