"""The only task that Prefect's engine runs: a dbt build of all nodes of a flow run."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import Any

from prefect import get_run_logger
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.runtime import task_run
from prefect.states import Completed
from prefect.tasks import Task

from floe_core.execution import (
    BuildEnded,
    BuildRequest,
    NodeLog,
    automatic_attempt,
    build,
    failure_of_build,
    record_of,
    wanted_nodes,
)
from floe_core.foundation.errors import NothingNewError
from floe_core.plugin_api.launched_run.run_report import emit
from floe_core.runs.build_events import PartitionResult
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_orchestrator_prefect.names.prefect_names import BUILD
from floe_orchestrator_prefect.task.build_failure import LEVELS, BuildFailedError, may_retry
from floe_orchestrator_prefect.task.node_runs import NodeRuns
from floe_orchestrator_prefect.task.node_slots import node_slots
from floe_orchestrator_prefect.task.partition_states import show_partitions


class OneBuild:
    """The task's input, and the reason why it built nothing, "" if it did build.

    Not a data class: Prefect would search it for results of tasks.
    """

    def __init__(self, request: BuildRequest, node_runs: NodeRuns) -> None:
        self.request = request
        self.node_runs = node_runs
        self.nothing_new = ""


def build_task(artifacts: CompiledArtifacts, job: Job) -> Task[[OneBuild], State[None] | None]:
    """Return the task that builds a job, with its retries, and its pool as a tag.

    Prefect's concurrency limit for a tag takes the place of a pool.
    """

    def dbt_build(one: OneBuild) -> State[None] | None:
        attempt = one.request.attempt + int(task_run.run_count or 1) - 1
        try:
            _build(artifacts, replace(one.request, attempt=attempt), one.node_runs)
        except NothingNewError as error:
            one.nothing_new = str(error)
            return Completed(name="Skipped", message=one.nothing_new)
        return None

    return Task(
        fn=dbt_build,
        name=BUILD,
        description=f"dbt build of {artifacts.product.name}, whole or in part.",
        tags=[pool] if (pool := artifacts.pool_of(job)) else None,
        retries=artifacts.retries,
        retry_delay_seconds=retry_delays(artifacts),
        retry_condition_fn=may_retry,
        cache_policy=NO_CACHE,
        persist_result=False,
    )


def retry_delays(artifacts: CompiledArtifacts) -> list[float]:
    """Return the seconds before each retry: always the same delay, or doubled each time."""
    policy = artifacts.execution
    factor = 2 if policy.retry_backoff == "exponential" else 1
    return [float(policy.retry_delay_seconds * factor**n) for n in range(artifacts.retries)]


def _build(artifacts: CompiledArtifacts, request: BuildRequest, node_runs: NodeRuns) -> None:
    log: Any = get_run_logger()
    artifacts = artifacts.for_job(request.job)
    wanted = wanted_nodes(artifacts, request)
    before = record_of(artifacts, request.run_id)
    end = BuildEnded(succeeded=False, message="the build ended without a result")
    partitions: set[str] = set()
    node_runs.expect(automatic_attempt(artifacts, wanted, before).todo)
    with node_slots(artifacts) as slots, closing(build(artifacts, request, slots)) as events:
        for event in events:
            emit(event)
            node_runs.receive(event)
            if isinstance(event, NodeLog) and not node_runs.knows(event.unique_id):
                log.log(LEVELS[event.level], "%s", event.text)
            elif isinstance(event, PartitionResult):
                partitions.add(event.key)
            elif isinstance(event, BuildEnded):
                end = event
    if problem := show_partitions(artifacts, partitions):
        log.warning("%s", problem)
    if not end.succeeded:
        raise BuildFailedError(failure_of_build(artifacts, request, end))
