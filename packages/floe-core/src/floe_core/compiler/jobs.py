"""Resolve the jobs of a product: what dbt's selections take, and when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from floe_core.compiler.choices import effective
from floe_core.compiler.dbt_parse import Dbt
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.errors import InvalidProductError, Problem
from floe_core.schemas.floe_yaml import JobSpec
from floe_core.schemas.nodes import Node
from floe_core.schemas.policies import Job


def resolved_jobs(
    inputs: Inputs, nodes: Sequence[Node], dbt: Dbt, findings: Findings
) -> tuple[Job, ...]:
    """Return the jobs: first the whole product, named like it, then those of floe.yaml."""
    whole = Job(name=inputs.spec.metadata.name, schedule=effective(inputs.spec.schedule, inputs))
    runnable = frozenset(node.unique_id for node in nodes if node.is_runnable)
    jobs = [whole]
    for index, spec in enumerate(inputs.spec.jobs):
        job = _job(spec, inputs)
        with _pinned_to(index, spec, inputs, findings):
            taken = dbt.list_ids(_selection(job), nodes)
            # dbt lists ephemeral models as well, which have no place in the product.
            job = job.model_copy(update={"node_ids": tuple(i for i in taken if i in runnable)})
            _refuse_empty(job)
        jobs.append(job)
    return tuple(jobs)


def _selection(job: Job) -> list[str]:
    """Return dbt's arguments for a job, in the words of floe.yaml."""
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
        schedule=effective(spec.schedule, inputs),
    )


@contextmanager
def _pinned_to(index: int, spec: JobSpec, inputs: Inputs, findings: Findings) -> Iterator[None]:
    """Note what is wrong with a job at its selection in floe.yaml."""
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
