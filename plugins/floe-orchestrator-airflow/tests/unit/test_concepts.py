from __future__ import annotations

from collections.abc import Callable

from floe_core.plugin_api.concepts import CONCEPTS
from floe_core.plugin_api.powers import ConceptExplainer, NodePools
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow import AirflowPlugin
from floe_orchestrator_airflow.concepts import UPDATES


def explained(artifacts: CompiledArtifacts) -> dict[str, tuple[str, str]]:
    plugin = AirflowPlugin()
    assert isinstance(plugin, ConceptExplainer)
    return {c.name: (c.becomes, c.loss) for c in plugin.concepts(artifacts)}


def with_nodes(make_artifacts: Callable[..., CompiledArtifacts], count: int) -> CompiledArtifacts:
    nodes = [
        {"unique_id": f"model.shop.m{n}", "name": f"m{n}", "resource_type": "model"}
        for n in range(count)
    ]
    return make_artifacts(
        nodes=[{"package": "shop", **node} for node in nodes], execution={"granularity": "node"}
    )


def test_every_concept_is_explained_and_none_is_lost(
    make_artifacts: Callable[..., CompiledArtifacts],
) -> None:
    steps = [{"unique_id": "step.shop.load", "command": ["load"]}]
    jobs = [{"name": "shop", "deadline": {"time": "07:30"}}]
    alerts = [{"on": ["lateness"], "to": "env:SHOP_ALERTS"}]
    node = {"unique_id": "step.shop.load", "name": "load", "resource_type": "step"}
    nodes = [{"package": "shop", **node}]
    partitions = {"by": "day", "start": "2026-01-01"}
    found = explained(
        make_artifacts(nodes=nodes, steps=steps, jobs=jobs, alerts=alerts, partitions=partitions)
    )
    assert list(found) == list(CONCEPTS)
    assert all(becomes for becomes, _ in found.values())
    assert {loss for _, loss in found.values()} == {""}


def test_more_tasks_than_a_run_was_measured_with_are_a_loss(
    make_artifacts: Callable[..., CompiledArtifacts],
) -> None:
    assert explained(with_nodes(make_artifacts, 2000))["granularity"][1] == ""
    assert explained(with_nodes(make_artifacts, 2001))["granularity"] == (
        "a task for each node, beside the one that builds",
        "a DAG with a task for each of 2001 nodes takes Airflow's scheduler and triggerer long to "
        "run; `granularity: group` shows them in a few tasks",
    )


def test_a_job_that_updates_start_says_what_watches_for_them(
    make_artifacts: Callable[..., CompiledArtifacts],
) -> None:
    trigger = {"on_update": "any", "ports": ["crm/people@1"]}
    found = explained(make_artifacts(jobs=[{"name": "shop", "trigger": trigger}]))
    assert found["schedule"] == (UPDATES, "")


def test_a_pool_of_nodes_is_a_loss(make_artifacts: Callable[..., CompiledArtifacts]) -> None:
    node = {"unique_id": "model.shop.a", "name": "a", "resource_type": "model", "package": "shop"}
    assert not isinstance(AirflowPlugin(), NodePools)
    assert explained(make_artifacts(nodes=[{**node, "pool": "heavy"}]))["pool"] == (
        "the pool of the tasks that run on a worker",
        "a task takes its slot of a pool before it starts, and one task builds all nodes: those in "
        "heavy would not wait; a job of their own can, with `jobs[].pool`",
    )
