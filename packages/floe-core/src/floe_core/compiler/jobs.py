"""Resolve the jobs of a product: what dbt's selections take, and when."""

from __future__ import annotations

from floe_core.compiler.choices import effective
from floe_core.compiler.dbt_parse import Dbt
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.errors import InvalidProductError
from floe_core.execution.selection import arguments_for_job
from floe_core.schemas.floe_yaml import JobSpec
from floe_core.schemas.policies import Job


def resolved_jobs(inputs: Inputs, dbt: Dbt, findings: Findings) -> tuple[Job, ...]:
    """Return the jobs: first the whole product, named like it, then those of floe.yaml."""
    whole = Job(name=inputs.spec.metadata.name, schedule=effective(inputs.spec.schedule, inputs))
    return (
        whole,
        *(
            _resolved(index, job, inputs, dbt, findings)
            for index, job in enumerate(inputs.spec.jobs)
        ),
    )


def _resolved(index: int, spec: JobSpec, inputs: Inputs, dbt: Dbt, findings: Findings) -> Job:
    job = Job(
        name=spec.name,
        select=spec.select or "",
        exclude=spec.exclude or "",
        selector=spec.selector or "",
        schedule=effective(spec.schedule, inputs),
    )
    location = ("jobs", index, "selector" if spec.selector else "select")
    try:
        node_ids = tuple(dbt.list_ids(arguments_for_job(job)))
    except InvalidProductError as error:
        words = "; ".join(problem.what for problem in error.problems)
        findings.add(inputs.spec_document.problem(location, f"job '{spec.name}': {words}"))
        return job
    if not node_ids:
        what = f"job '{spec.name}' selects no node of the product"
        fix = "try the selection with `dbt ls --select ...`"
        findings.add(inputs.spec_document.problem(location, what, fix))
    return job.model_copy(update={"node_ids": node_ids})
