"""Find what keeps a compiled product from running on Airflow, all of it at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from floe_core.errors import InvalidProductError, Problem
from floe_core.schedules import check_timezone, parse_cron
from floe_core.schemas.compiled_artifacts import ARTIFACTS_FILE, CompiledArtifacts
from floe_core.schemas.policies import Job

MAX_DAG_ID = 250


def check_product(artifacts: CompiledArtifacts) -> None:
    """Do nothing for a product that Airflow can run.

    Raises:
        InvalidProductError: It cannot, with every problem.
    """
    problems = [
        Problem(what=what, fix=fix, file=ARTIFACTS_FILE) for what, fix in _problems(artifacts)
    ]
    if problems:
        raise InvalidProductError(problems)


def _problems(artifacts: CompiledArtifacts) -> Iterator[tuple[str, str]]:
    """Yield what is wrong, and how to mend it."""
    if not artifacts.jobs:
        yield "the product has no job", "run `floe compile`: it writes one for the whole product"
    counts = Counter(job.name for job in artifacts.jobs)
    for name in sorted(name for name, count in counts.items() if count > 1):
        yield f"two jobs are named '{name}'", "give each job in floe.yaml a name of its own"
    if artifacts.execution.granularity == "group":
        yield (
            "granularity 'group' is not available on Airflow in this release",
            "write `granularity: node`, `product` or `auto` under `execution` in floe.yaml",
        )
    yield from _graph_problems(artifacts)
    for job in artifacts.jobs:
        yield from _job_problems(artifacts, job)


def _graph_problems(artifacts: CompiledArtifacts) -> Iterator[tuple[str, str]]:
    counts = Counter(node.unique_id for node in artifacts.nodes)
    for node_id in sorted(node_id for node_id, count in counts.items() if count > 1):
        yield f"two nodes have the id '{node_id}'", "run `floe compile`"
    for node in artifacts.runnable:
        for parent in node.depends_on:
            if parent not in artifacts.by_id:
                yield f"{node.unique_id} depends on {parent}, which is absent", "run `floe compile`"


def _job_problems(artifacts: CompiledArtifacts, job: Job) -> Iterator[tuple[str, str]]:
    if len(artifacts.product.name) + len(job.name) + 1 > MAX_DAG_ID:
        yield f"job '{job.name}' makes a DAG id of over {MAX_DAG_ID} characters", "shorten its name"
    for node_id in job.node_ids or ():
        if node_id not in artifacts.by_id or not artifacts.by_id[node_id].is_runnable:
            yield f"job '{job.name}' runs {node_id}, which is no node", "run `floe compile`"
    if job.schedule is not None:
        for check, text in (
            (parse_cron, job.schedule.cron),
            (check_timezone, job.schedule.timezone),
        ):
            try:
                check(text)
            except ValueError as error:
                yield f"schedule of job '{job.name}': {error}", "correct `schedule` in floe.yaml"
