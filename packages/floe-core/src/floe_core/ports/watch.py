"""Ask the ledger whether updates of ports start a job now."""

from __future__ import annotations

from datetime import datetime

from floe_core.errors import EnvironmentProblemError
from floe_core.ports.decision import Decision, decide
from floe_core.ports.ledger import Ledger, ledger_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

# How soon whoever watches looks again.
SECONDS_BETWEEN_LOOKS = 10


def look(
    artifacts: CompiledArtifacts, job_name: str, now: datetime, *, is_running: bool = False
) -> Decision:
    """Return what a job with a trigger does at a moment; see `decide`.

    Updates that are skipped are written down as seen before this returns.

    Raises:
        EnvironmentProblemError: There is no ledger, or it cannot be read.
    """
    job = artifacts.job(job_name)
    assert job.trigger is not None, f"job {job_name} has no trigger"
    ledger, product = _require_ledger(artifacts), artifacts.product.name
    seen = ledger.read(product).seen_by(job_name)
    updates = ledger.updates(job.trigger.ports)
    decision = decide(job.trigger, updates, seen, now, is_running=is_running)
    if decision.action == "skip":
        ledger.pass_over(product, job_name, decision.updates, now)
    return decision


def _require_ledger(artifacts: CompiledArtifacts) -> Ledger:
    ledger = ledger_of(artifacts)
    if ledger is None:
        what = f"{artifacts.product.name} is started by updates, and there is no ledger"
        raise EnvironmentProblemError(f"{what}; name one in the manifest or in FLOE_LEDGER")
    return ledger
