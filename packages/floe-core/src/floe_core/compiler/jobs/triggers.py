"""Resolve `onUpdate` of schedules: which ports start which job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.compiler.jobs.resolve_jobs import ResolvedJobs
from floe_core.schemas.floe_yaml import ScheduleSpec
from floe_core.schemas.nodes import Node
from floe_core.schemas.policies import Job
from floe_core.schemas.ports import InputPort, UpdateTrigger
from floe_core.user_yaml.source_map import Location


def with_triggers(
    jobs: ResolvedJobs,
    ports: Sequence[InputPort],
    inputs: Inputs,
    nodes: Sequence[Node],
    findings: Findings,
) -> ResolvedJobs:
    """Return the jobs with their triggers; note ports that cannot start them."""
    specs: dict[str, tuple[Location, ScheduleSpec | None]] = {
        inputs.spec.metadata.name: (("schedule",), inputs.spec.schedule)
    }
    for index, job in enumerate(inputs.spec.jobs):
        specs[job.name] = (("jobs", index, "schedule"), job.schedule)
    resolver = _Resolver(ports, inputs, {node.unique_id: node for node in nodes}, findings)
    changed = tuple(resolver.with_trigger(job, *specs[job.name]) for job in jobs.jobs)
    return replace(jobs, jobs=changed)


class _Resolver:
    def __init__(
        self,
        ports: Sequence[InputPort],
        inputs: Inputs,
        nodes: dict[str, Node],
        findings: Findings,
    ) -> None:
        self._ports = ports
        self._inputs = inputs
        self._nodes = nodes
        self._findings = findings

    def with_trigger(self, job: Job, at: Location, spec: ScheduleSpec | None) -> Job:
        if spec is None:
            return job
        if spec.when_late == "skip" and spec.wait_seconds is None:
            what = "`whenLate` applies only to `waitSeconds`, which is not here"
            self._report(at, "whenLate", what, "add `waitSeconds`, or remove it")
        if spec.on_update is None:
            if spec.wait_seconds is not None:
                what = "`waitSeconds` is of `onUpdate: all`, which is not here"
                self._report(at, "waitSeconds", what, "add `onUpdate: all`, or remove it")
            return job
        if spec.on_update == "any" and spec.wait_seconds is not None:
            what = "`waitSeconds` applies only to `onUpdate: all`"
            self._report(at, "waitSeconds", what, "remove it")
        if not self._inputs.manifest.ledger:
            what = "`onUpdate` needs a ledger, and the manifest names none"
            fix = f"add `ledger:` to {self._inputs.manifest_document.shown_as}"
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
        return job.model_copy(update={"trigger": trigger})

    def _ports_of(self, job: Job) -> tuple[str, ...]:
        """Return the keys of the ports that a job's nodes read; for the whole product, all ports.

        For a job with a selection, the ports that its nodes read directly.
        """
        if job.node_ids is None:
            return tuple(sorted(port.key for port in self._ports))
        read = {parent for i in job.node_ids for parent in self._nodes[i].depends_on}
        return tuple(sorted(port.key for port in self._ports if port.node_id in read))

    def _report(self, at: Location, key: str, what: str, fix: str) -> None:
        self._findings.add(self._inputs.spec_document.problem((*at, key), what, fix))
