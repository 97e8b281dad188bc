"""Resolve the jobs of a product: their nodes, their schedules, and the ports that start them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from floe_core.compiler.checks.choices import effective
from floe_core.compiler.checks.deadlines import deadline_in
from floe_core.compiler.dbt.graph import nodes_in
from floe_core.compiler.dbt.parse import Dbt
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.compiler.nodes.steps import StepsInGraph
from floe_core.dbt.selection import StepSelection
from floe_core.foundation.errors import InvalidProductError, Problem, UsageError
from floe_core.foundation.stages import begin_stage
from floe_core.schemas.floe_yaml import JobSpec, ScheduleSpec
from floe_core.schemas.node_graph import with_freshness
from floe_core.schemas.nodes import Node
from floe_core.schemas.partitions import Partitions
from floe_core.schemas.policies import Job
from floe_core.schemas.ports import InputPort, UpdateTrigger
from floe_core.user_yaml.source_map import Location

MAX_NAMED = 5


@dataclass(frozen=True)
class ResolvedJobs:
    """The jobs, and dbt's parse for each job with vars of its own: job name -> cache."""

    jobs: tuple[Job, ...]
    caches: dict[str, bytes]


def resolve_jobs(
    inputs: Inputs,
    nodes: Sequence[Node],
    graph: StepsInGraph,
    dbt: Dbt,
    default: str,
    findings: Findings,
) -> ResolvedJobs:
    """Return the jobs: first the product's own, named like it, then those of floe.yaml.

    The product's own job has the nodes of a `dbt build` without a selection: every node or, if
    selectors.yml has a default selector, the nodes that it selects; and every step. A job with a
    selection overrides it. `nodes` are dbt's own, `graph` also has the steps.
    """
    runnable = frozenset(node.unique_id for node in graph.nodes if node.is_runnable)
    jobs = [_own_job(inputs, graph, dbt, default, runnable)]
    caches: dict[str, bytes] = {}
    for index, spec in enumerate(inputs.spec.jobs):
        begin_stage(f"dbt selects the nodes of job {spec.name}")
        job = _job(spec, inputs)
        with _pinned_to(index, spec, inputs, findings):
            dbt_of_job = _parse_with_vars(spec, inputs, nodes, dbt, caches) if spec.vars else dbt
            taken = take_nodes(job, dbt_of_job, graph)
            # dbt lists ephemeral models as well, which have no place in the product.
            job = job.model_copy(update={"node_ids": tuple(i for i in taken if i in runnable)})
            _refuse_empty(job)
            fresh = with_freshness(job.node_ids or (), graph.nodes)
            job = job.model_copy(update={"node_ids": fresh})
        jobs.append(job)
    return ResolvedJobs(tuple(jobs), caches)


def default_selector(manifest: Mapping[str, Any]) -> str:
    """Return the selector that dbt uses when a command names no nodes, "" for none."""
    selectors = manifest.get("selectors") or {}
    return next((str(name) for name, each in selectors.items() if each.get("default") is True), "")


def take_nodes(job: Job, dbt: Dbt, graph: StepsInGraph) -> list[str]:
    """Return the ids that a job selects; a selector of selectors.yml selects no steps."""
    if job.selector or not graph.steps:
        return dbt.list_ids(selection_of_job(job), graph.nodes)
    selection = StepSelection(graph.nodes, lambda words: dbt.list_ids(words, graph.nodes))
    try:
        return sorted(selection.take(job.select, job.exclude))
    except UsageError as error:
        raise InvalidProductError([Problem(str(error))]) from None


def _own_job(
    inputs: Inputs, graph: StepsInGraph, dbt: Dbt, default: str, runnable: frozenset[str]
) -> Job:
    job = Job(
        name=inputs.spec.metadata.name,
        schedule=effective(inputs.spec.schedule, inputs),
        deadline=deadline_in(inputs.spec.deadline, inputs),
    )
    if not default:
        return job
    listed = {each for each in dbt.list_ids([], graph.nodes) if each in runnable}
    taken = with_freshness(listed | {step.unique_id for step in graph.steps}, graph.nodes)
    return job.model_copy(update={"selector": default, "node_ids": taken})


def _parse_with_vars(
    spec: JobSpec, inputs: Inputs, nodes: Sequence[Node], dbt: Dbt, caches: dict[str, bytes]
) -> Dbt:
    """Let dbt parse with a job's vars, and keep the result; the graph must be the same."""
    dbt_of_job = dbt.with_vars({**inputs.spec.vars, **spec.vars})
    parsed = dbt_of_job.parse()
    changed = list_changed_places(nodes, nodes_in(parsed.manifest, inputs.product_dir))
    if changed:
        what = f"its vars change the graph, which all jobs of a product share: {changed}"
        raise InvalidProductError([Problem(what)])
    if parsed.cache is not None:
        caches[spec.name] = parsed.cache
    return dbt_of_job


def list_changed_places(ours: Sequence[Node], theirs: Sequence[Node]) -> str:
    """Return which nodes are added, removed, or differ in parents or relation; "" for none."""
    places, others = ({n.unique_id: _place(n) for n in nodes} for nodes in (ours, theirs))
    changed = sorted(i for i in places.keys() | others.keys() if places.get(i) != others.get(i))
    more = f" and {len(changed) - MAX_NAMED} more" if len(changed) > MAX_NAMED else ""
    return ", ".join(changed[:MAX_NAMED]) + more


def _place(node: Node) -> tuple[object, ...]:
    relation = (node.database, node.schema_name, node.identifier)
    return (node.depends_on, node.tested, *relation)


def selection_of_job(job: Job) -> list[str]:
    """Return dbt's arguments for a job, as written in floe.yaml."""
    arguments: list[str] = []
    if job.selector:
        arguments += ["--selector", job.selector]
    if job.select:
        arguments += ["--select", *job.select.split()]
    if job.exclude:
        arguments += ["--exclude", *job.exclude.split()]
    return arguments


def _job(spec: JobSpec, inputs: Inputs) -> Job:
    return Job(
        name=spec.name,
        select=spec.select or "",
        exclude=spec.exclude or "",
        selector=spec.selector or "",
        vars=spec.vars,
        full_refresh=spec.full_refresh,
        tests=spec.tests,
        schedule=effective(spec.schedule, inputs),
        deadline=deadline_in(spec.deadline, inputs),
        pool=spec.pool or "",
    )


@contextmanager
def _pinned_to(index: int, spec: JobSpec, inputs: Inputs, findings: Findings) -> Iterator[None]:
    """Note problems of a job at its selection in floe.yaml."""
    try:
        yield
    except InvalidProductError as error:
        location = ("jobs", index, "selector" if spec.selector else "select")
        words = "; ".join(problem.what for problem in error.problems)
        fix = "try the selection with `dbt ls`"
        findings.add(inputs.spec_document.problem(location, f"job '{spec.name}': {words}", fix))


def _refuse_empty(job: Job) -> None:
    if not job.node_ids:
        raise InvalidProductError([Problem("selects no node of the product")])


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
