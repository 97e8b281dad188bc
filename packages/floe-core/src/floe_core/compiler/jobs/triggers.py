"""Resolve `onUpdate` of schedules: which ports start which job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.compiler.jobs.resolve_jobs import ResolvedJobs
from floe_core.schemas.floe_yaml import ScheduleSpec
from floe_core.schemas.nodes import Node
from floe_core.schemas.partitions import Partitions
from floe_core.schemas.policies import Job
from floe_core.schemas.ports import InputPort, UpdateTrigger
from floe_core.user_yaml.source_map import Location


def with_triggers(
    jobs: ResolvedJobs,
    ports: Sequence[InputPort],
    inputs: Inputs,
    nodes: Sequence[Node],
    partitions: Partitions | None,
    findings: Findings,
) -> ResolvedJobs:
    """Return the jobs with their triggers; note ports that cannot start them."""
    specs: dict[str, tuple[Location, ScheduleSpec | None]] = {
        inputs.spec.metadata.name: (("schedule",), inputs.spec.schedule)
    }
    for index, job in enumerate(inputs.spec.jobs):
        specs[job.name] = (("jobs", index, "schedule"), job.schedule)
    by_id = {node.unique_id: node for node in nodes}
    resolver = _Resolver(ports, inputs, by_id, partitions, findings)
    changed = tuple(resolver.with_trigger(job, *specs[job.name]) for job in jobs.jobs)
    return replace(jobs, jobs=changed)


@dataclass(frozen=True)
class _Resolver:
    ports: Sequence[InputPort]
    inputs: Inputs
    nodes: dict[str, Node]
    partitions: Partitions | None
    findings: Findings

    def with_trigger(self, job: Job, at: Location, spec: ScheduleSpec | None) -> Job:
        if spec is None:
            return job
        if spec.when_late == "skip" and spec.wait_seconds is None:
            what = "`whenLate` applies only to `waitSeconds`, which is not here"
            self._report(at, "whenLate", what, "add `waitSeconds`, or remove it")
        if spec.on_update is None:
            for key, value in (("waitSeconds", spec.wait_seconds), ("every", spec.every)):
                if value is not None:
                    what = f"`{key}` is of `onUpdate: all`, which is not here"
                    self._report(at, key, what, "add `onUpdate: all`, or remove it")
            return job
        if spec.on_update == "any" and spec.wait_seconds is not None:
            what = "`waitSeconds` applies only to `onUpdate: all`"
            self._report(at, "waitSeconds", what, "remove it")
        if not self.inputs.manifest.ledger:
            what = "`onUpdate` needs a ledger, and the manifest names none"
            fix = f"add `ledger:` to {self.inputs.manifest_document.shown_as}"
            self._report(at, "onUpdate", what, fix)
        ports = self._ports_of(job)
        if not ports:
            what = f"job '{job.name}' reads no input port, so that nothing would start it"
            self._report(at, "onUpdate", what, "add `inputPorts`, and read one of them")
        trigger = UpdateTrigger(
            on_update=spec.on_update,
            ports=ports,
            wait_seconds=spec.wait_seconds,
            when_late=spec.when_late,
            enabled=spec.enabled,
        )
        if spec.every is not None:
            trigger = trigger.model_copy(update=self._periods(job, at, spec, ports))
        return job.model_copy(update={"trigger": trigger})

    def _ports_of(self, job: Job) -> tuple[str, ...]:
        """Return the keys of the ports that a job's nodes read; for the whole product, all ports.

        For a job with a selection, the ports that its nodes read directly.
        """
        if job.node_ids is None:
            return tuple(sorted(port.key for port in self.ports))
        read = {parent for i in job.node_ids for parent in self.nodes[i].depends_on}
        return tuple(sorted(port.key for port in self.ports if port.node_id in read))

    def _periods(
        self, job: Job, at: Location, spec: ScheduleSpec, keys: tuple[str, ...]
    ) -> dict[str, Any]:
        """Return the fields of a trigger with `every`; note why the job can't run by period."""
        own, every = self.partitions, spec.every
        by_key = {port.key: port.partitions for port in self.ports if port.key in keys}
        whole = sorted(key for key, partitions in by_key.items() if partitions is None)
        if spec.on_update == "any" or spec.wait_seconds is not None:
            what = f"a job waits for all partitions of a {every}, so it has `onUpdate: all` alone"
            self._report(at, "every", what, "write `onUpdate: all`, without `waitSeconds`")
        if own is None or own.by != every:
            has = f"are by {own.by}" if own else "are not declared"
            what = f"the job runs every {every}, and the product's partitions {has}"
            self._report(at, "every", what, f"declare `partitions` with `by: {every}`")
        if whole:
            what = f"{', '.join(whole)}: the producer has no `partitions` of it"
            self._report(at, "every", what, "remove `every`, or have the producer declare them")
        parts = {key: partitions for key, partitions in by_key.items() if partitions is not None}
        for key, partitions in sorted(parts.items()):
            if own is not None and not _fit_in(partitions, own):
                what = (
                    f"{key} is partitioned by {partitions.by} in {partitions.timezone}, which does "
                    f"not fit in partitions by {own.by} in {own.timezone}"
                )
                self._report(at, "every", what, "declare partitions that contain those of the port")
        return {"every": own and own.calendar, "port_partitions": parts}

    def _report(self, at: Location, key: str, what: str, fix: str) -> None:
        self.findings.add(self.inputs.spec_document.problem((*at, key), what, fix))


def _fit_in(parts: Partitions, whole: Partitions) -> bool:
    """Return whether each partition is in one of the others; no week is in a month."""
    order = ("hour", "day", "week", "month")
    fits = order.index(parts.by) <= order.index(whole.by)
    is_week_in_month = (parts.by, whole.by) == ("week", "month")
    return fits and not is_week_in_month and parts.timezone == whole.timezone
