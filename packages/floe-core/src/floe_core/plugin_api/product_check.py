"""Find all problems that make compiled artifacts invalid on any orchestrator.

`floe compile` writes no such artifacts, but they may be made by hand or by another program.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from floe_core.foundation.errors import Problem
from floe_core.plugin_api.transform_graph import ordered
from floe_core.plugin_interfaces import TransformConfig
from floe_core.schedules import check_timezone, parse_cron
from floe_core.schemas.compiled_artifacts import ARTIFACTS_FILE, CompiledArtifacts
from floe_core.schemas.policies import Job, Schedule

RECOMPILE = "run `floe compile`"


def product_problems(artifacts: CompiledArtifacts) -> Iterator[Problem]:
    """Yield the problems of the graph, the jobs and their schedules."""
    yield from _graph_problems(artifacts)
    if not artifacts.jobs:
        yield _problem("the product has no job")
    for name in _find_duplicates(job.name for job in artifacts.jobs):
        yield _problem(f"two jobs are named '{name}'")
    for job in artifacts.jobs:
        yield from _job_problems(artifacts, job)


def _graph_problems(artifacts: CompiledArtifacts) -> Iterator[Problem]:
    doubled = _find_duplicates(node.unique_id for node in artifacts.nodes)
    for node_id in doubled:
        yield _problem(f"two nodes have the id '{node_id}'")
    for node in artifacts.nodes:
        for parent in node.depends_on:
            if parent not in artifacts.by_id:
                yield _problem(f"{node.unique_id} depends on {parent}, which is absent")
    if not doubled:
        yield from _cycle_problem(artifacts)


def _cycle_problem(artifacts: CompiledArtifacts) -> Iterator[Problem]:
    try:
        ordered([TransformConfig(n.unique_id, depends_on=[*n.depends_on]) for n in artifacts.nodes])
    except ValueError as error:
        yield _problem(str(error))


def _job_problems(artifacts: CompiledArtifacts, job: Job) -> Iterator[Problem]:
    for node_id in job.node_ids or ():
        if node_id not in artifacts.by_id or not artifacts.by_id[node_id].is_runnable:
            yield _problem(f"job '{job.name}' runs {node_id}, which is not a node")
    if job.schedule is not None:
        yield from _schedule_problems(job, job.schedule)


def _schedule_problems(job: Job, schedule: Schedule) -> Iterator[Problem]:
    for check, text in ((parse_cron, schedule.cron), (check_timezone, schedule.timezone)):
        try:
            check(text)
        except ValueError as error:
            fix = "correct `schedule` in floe.yaml"
            yield _problem(f"schedule of job '{job.name}': {error}", fix)


def _find_duplicates(names: Iterable[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)


def _problem(what: str, fix: str = RECOMPILE) -> Problem:
    return Problem(what=what, fix=fix, file=ARTIFACTS_FILE)
