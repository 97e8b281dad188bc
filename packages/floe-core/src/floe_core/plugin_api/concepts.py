"""Describe how a product uses each of floe's concepts, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from floe_core.alerts import jobs_with_deadlines
from floe_core.schedules.ownership import idle_mark
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import ExecutionPolicy, Job

# The concepts, in the order in which they are shown.
CONCEPTS = (
    "product",
    "job",
    "schedule",
    "partitions",
    "model, seed, snapshot",
    "test, unit test",
    "step",
    "source",
    "exposure",
    "columns",
    "owner, tags, description",
    "granularity",
    "retries",
    "timeout",
    "pool",
    "alerts",
    "deadline",
    "lineage",
)
# Left out if a product has none: a plugin may be older than a concept and not know it.
_NEWER = ("partitions", "step", "alerts", "deadline")


def product_concepts(artifacts: CompiledArtifacts) -> dict[str, str]:
    """Return concept -> how the product uses it, "" if it does not.

    Partitions, steps, alerts and deadlines are included only if the product has some.
    """
    product, policy, here = artifacts.product, artifacts.execution, artifacts.orchestrator.name
    counts: Counter[str] = Counter(node.resource_type for node in artifacts.nodes)
    own = [node for node in artifacts.runnable if node.retries is not None or node.timeout_seconds]
    found = (
        f"{product.name} {product.version}",
        ", ".join(job.name for job in artifacts.jobs),
        ", ".join(text for job in artifacts.jobs for text in _starts(job, here)),
        _partitions(artifacts),
        _format_counts(counts, "model", "seed", "snapshot"),
        _format_counts(counts, "test", "unit_test"),
        _format_counts(counts, "step"),
        _format_counts(counts, "source"),
        _format_counts(counts, "exposure"),
        _some(sum(len(node.columns) for node in artifacts.nodes), "column"),
        ", ".join(text for text in (product.owner, _tags(artifacts)) if text),
        policy.granularity if policy.granularity != "group" else f"group by {policy.group_by}",
        _retries(artifacts),
        _timeouts(policy, len(own)),
        _pools(artifacts),
        _alerts(artifacts),
        _deadlines(artifacts),
        artifacts.lineage.backend or ("on" if artifacts.lineage.enabled else ""),
    )
    concepts = dict(zip(CONCEPTS, found, strict=True))
    return {name: here for name, here in concepts.items() if here or name not in _NEWER}


def schedule_becomes(artifacts: CompiledArtifacts, ticks: str, updates: str) -> str:
    """Return what a product's schedules become on an orchestrator.

    `ticks` is what cron expressions become there, `updates` what triggers on port updates become.
    """
    has_ticks = any(job.schedule for job in artifacts.jobs)
    has_updates = any(job.trigger for job in artifacts.jobs)
    kinds = (ticks if has_ticks or not has_updates else "", updates if has_updates else "")
    return "; ".join(text for text in kinds if text)


def _partitions(artifacts: CompiledArtifacts) -> str:
    declared = artifacts.partitions
    if declared is None:
        return ""
    count = sum(artifacts.by_id[i].is_relation for i in declared.node_ids)
    zone = f"{declared.timezone}, {_some(count, 'node') or 'no nodes'}"
    return f"by {declared.by} from {declared.start} in {zone}"


def _alerts(artifacts: CompiledArtifacts) -> str:
    kinds = {kind for rule in artifacts.alerts for kind in rule.on}
    return f"on {', '.join(sorted(kinds))}" if kinds else ""


def _deadlines(artifacts: CompiledArtifacts) -> str:
    """Return the deadlines that are watched."""
    due = ((job, job.deadline) for job in jobs_with_deadlines(artifacts))
    return ", ".join(f"{job.name}: {d.time} {d.timezone}" for job, d in due if d)


def _starts(job: Job, here: str) -> Iterator[str]:
    """Yield what starts a job: its ticks, and updates of the ports that it reads."""
    if job.schedule:
        state = idle_mark(job.owner, here, is_enabled=job.schedule.enabled)
        yield f"{job.schedule.cron} in {job.schedule.timezone}{state}"
    if job.trigger:
        yield f"{job.trigger.awaited}{idle_mark(job.owner, here, is_enabled=job.trigger.enabled)}"


def _format_counts(counts: Counter[str], *kinds: str) -> str:
    return ", ".join(_some(counts[k], k.replace("_", " ")) for k in kinds if counts[k])


def _some(count: int, word: str) -> str:
    return f"{count} {word}{'s' if count > 1 else ''}" if count else ""


def _tags(artifacts: CompiledArtifacts) -> str:
    return " ".join(f"#{tag}" for tag in sorted({t for node in artifacts.nodes for t in node.tags}))


def _retries(artifacts: CompiledArtifacts) -> str:
    policy = artifacts.execution
    if not artifacts.retries:
        return ""
    return f"{artifacts.retries}, {policy.retry_backoff}, from {policy.retry_delay_seconds} s"


def _pools(artifacts: CompiledArtifacts) -> str:
    """Return the pools of builds, and the number of nodes in each pool of nodes."""
    pool = artifacts.execution.pool
    of_jobs = [f"{job.name}: {job.pool}" for job in artifacts.jobs if job.pool]
    of_nodes = Counter(artifacts.pools_of_nodes.values())
    counted = [f"{name}: {_some(count, 'node')}" for name, count in sorted(of_nodes.items())]
    return ", ".join([*([pool] if pool else []), *of_jobs, *counted])


def _timeouts(policy: ExecutionPolicy, own: int) -> str:
    whole = f"{policy.timeout_seconds} s" if policy.timeout_seconds else ""
    return ", ".join(text for text in (whole, _some(own, "node") and f"{own} of their own") if text)
