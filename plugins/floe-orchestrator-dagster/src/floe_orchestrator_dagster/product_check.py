"""Find what keeps a product from running on Dagster, all of it at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from floe_core.errors import InvalidProductError, Problem
from floe_core.plugin_interfaces import TransformConfig
from floe_core.schedules import check_timezone, parse_cron
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job, Schedule
from floe_core.transform_graph import ordered
from floe_orchestrator_dagster.asset_keys import key_problems
from floe_orchestrator_dagster.asset_map import with_assets
from floe_orchestrator_dagster.jobs import job_name_problems

RECOMPILE = "run `floe compile`"


def check_product(artifacts: CompiledArtifacts) -> None:
    """Do nothing for a product that Dagster can run.

    Raises:
        InvalidProductError: It cannot, with every problem.
    """
    problems = [
        *_graph_problems(artifacts),
        *key_problems(with_assets(artifacts)),
        *job_name_problems(artifacts),
        *_job_problems(artifacts),
    ]
    if problems:
        raise InvalidProductError(problems)


def _graph_problems(artifacts: CompiledArtifacts) -> Iterator[Problem]:
    counts = Counter(node.unique_id for node in artifacts.nodes)
    for node_id in sorted(node_id for node_id, count in counts.items() if count > 1):
        yield Problem(f"two nodes have the id {node_id}", RECOMPILE)
    for node in artifacts.nodes:
        for parent in node.depends_on:
            if parent not in counts:
                yield Problem(f"{node.unique_id} depends on {parent}, which is absent", RECOMPILE)
    if len(counts) == len(artifacts.nodes):
        yield from _cycle_problem(artifacts)


def _cycle_problem(artifacts: CompiledArtifacts) -> Iterator[Problem]:
    try:
        ordered([TransformConfig(n.unique_id, depends_on=[*n.depends_on]) for n in artifacts.nodes])
    except ValueError as error:
        yield Problem(str(error), RECOMPILE)


def _job_problems(artifacts: CompiledArtifacts) -> Iterator[Problem]:
    if not artifacts.jobs:
        yield Problem("the product has no job", RECOMPILE)
    for job in artifacts.jobs:
        for node_id in job.node_ids or ():
            if node_id not in artifacts.by_id or not artifacts.by_id[node_id].is_runnable:
                yield Problem(f"job '{job.name}' runs {node_id}, which is no node", RECOMPILE)
        if job.schedule is not None:
            yield from _schedule_problems(job, job.schedule)


def _schedule_problems(job: Job, schedule: Schedule) -> Iterator[Problem]:
    for check, text in ((parse_cron, schedule.cron), (check_timezone, schedule.timezone)):
        try:
            check(text)
        except ValueError as error:
            fix = "correct `schedule` in floe.yaml"
            yield Problem(f"schedule of job '{job.name}': {error}", fix)
