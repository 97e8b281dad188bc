"""Explains which Airflow object each part of a product becomes."""

from __future__ import annotations

from floe_core.plugin_api.concepts import product_concepts, schedule_becomes
from floe_core.plugin_api.powers import Concept
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.internals import (
    has_partition_keys,
    has_retry_policies,
    starts_tasks_in_triggerer,
)
from floe_orchestrator_airflow.mirrors.node_mirrors import HARD_NODE_LIMIT, choose_granularity
from floe_orchestrator_airflow.names.airflow_names import keyed_partitions

BECOMES = {
    "product": "a DAG, with a page about the product",
    "job": "a DAG each, `<product>.<job>` beside the whole one's `<product>`",
    "schedule": "a timetable of the DAG that takes its ticks from floe",
    "partitions": "a parameter of a run; a scheduled run builds those of its logical date",
    "model, seed, snapshot": "a task, and an Airflow Asset `floe://<product>/<node>`",
    "test, unit test": "a task",
    "step": "a task, with the log of its process, and an Airflow Asset of what it writes",
    "source": "nothing: Airflow does not run it",
    "exposure": "nothing: Airflow does not run it",
    "columns": "nothing in Airflow; they are in lineage",
    "owner, tags, description": "the DAG's owner, tags and description, and the tasks' pages",
    "retries": "retries of `dbt_build`, each of what has not passed",
    "timeout": "the build ends itself; `execution_timeout` of the task a minute later",
    "pool": "the pool of the tasks that run on a worker",
    "alerts": "callbacks of the DAG that report the ends of its runs",
    "deadline": "a DAG that runs at the deadline, `<product>.<job>.deadline`",
    "lineage": "OpenLineage events from the build",
}

# How Airflow runs a job that updates of ports start.
UPDATES = (
    "a schedule on the Airflow Asset `floe://<product>/<job>/updates`, with a watcher in the "
    "triggerer that has an event of it for each run"
)

KEYED = (
    "the partition key of a run, and of the asset events that it has: these start only DAGs whose "
    "schedule is partitioned"
)

SHOWS = {
    "node": "a task for each node, beside the one that builds",
    "group": "a task for each group of nodes, beside the one that builds",
    "product": "the one task that builds",
}


def concepts(artifacts: CompiledArtifacts) -> list[Concept]:
    """Return what each concept becomes in Airflow. See `ConceptExplainer`."""
    losses = {
        "granularity": _no_tasks_of_nodes(artifacts) or _too_many_nodes(artifacts),
        "pool": _pools_of_nodes(artifacts),
        "retries": _random_delays(artifacts),
        "partitions": _no_partition_keys(artifacts),
    }
    count = len(artifacts.nodes_of(artifacts.jobs[0]))
    shows = SHOWS[choose_granularity(artifacts.execution, count)]
    becomes = {
        **BECOMES,
        "granularity": shows,
        "schedule": schedule_becomes(artifacts, BECOMES["schedule"], UPDATES),
        "partitions": KEYED if _wants_keys(artifacts) else BECOMES["partitions"],
    }
    return [
        Concept(name, here, becomes[name], losses.get(name, ""))
        for name, here in product_concepts(artifacts).items()
    ]


def _wants_keys(artifacts: CompiledArtifacts) -> bool:
    return any(keyed_partitions(artifacts, job) for job in artifacts.jobs)


def _no_partition_keys(artifacts: CompiledArtifacts) -> str:
    if not _wants_keys(artifacts) or has_partition_keys():
        return ""
    return (
        "runs of this Airflow have no partition keys, which 3.3 brings, and `partition_keys` under "
        "`plugins.orchestrator.config` asks for them; without it, a partition is a parameter"
    )


def _random_delays(artifacts: CompiledArtifacts) -> str:
    is_exponential = artifacts.retries and artifacts.execution.retry_backoff == "exponential"
    if not is_exponential or has_retry_policies():
        return ""
    return (
        "this Airflow has no retry policies, which 3.3 brings: a retry would wait up to twice as "
        "long as `retryDelaySeconds` says; `retryBackoff: fixed` is kept exactly"
    )


def _pools_of_nodes(artifacts: CompiledArtifacts) -> str:
    pools = sorted(set(artifacts.pools_of_nodes.values()))
    if not pools:
        return ""
    return (
        f"a task takes its slot of a pool before it starts, and one task builds all nodes: those "
        f"in {', '.join(pools)} would not wait; a job of their own can, with `jobs[].pool`"
    )


def _no_tasks_of_nodes(artifacts: CompiledArtifacts) -> str:
    chosen = artifacts.execution.granularity
    if chosen not in ("node", "group") or starts_tasks_in_triggerer():
        return ""
    return (
        f"the scheduler of this Airflow starts no task in the triggerer, as 3.3 does, so there is "
        f"only the task that builds, as with `granularity: product`, and not one for each {chosen}"
    )


def _too_many_nodes(artifacts: CompiledArtifacts) -> str:
    count = len(artifacts.runnable)
    if artifacts.execution.granularity != "node" or count <= HARD_NODE_LIMIT:
        return ""
    return (
        f"a DAG with a task for each of {count} nodes takes Airflow's scheduler and triggerer long "
        f"to run; `granularity: group` shows them in a few tasks"
    )
