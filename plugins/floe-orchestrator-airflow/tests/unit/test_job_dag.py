from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from airflow.sdk import DAG
from killed_build import begin_and_die, waiting_lineage
from serialized_dags import DagSerialization

from floe_core.runs.build_request import BuildRequest
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.dag.job_dag import job_dag
from floe_orchestrator_airflow.internals import has_retry_policies, starts_tasks_in_triggerer
from floe_orchestrator_airflow.names.run_of_product import run_name
from floe_orchestrator_airflow.task.run_end import report_end_of_run

of_nodes = pytest.mark.skipif(
    not starts_tasks_in_triggerer(), reason="this Airflow starts no tasks in the triggerer"
)
Make = Callable[..., CompiledArtifacts]
TEST = "unique_orders_id"
NODES = [
    {"unique_id": "seed.shop.raw", "name": "raw", "resource_type": "seed"},
]


def dag_of(artifacts: CompiledArtifacts, job: str = "shop") -> DAG:
    return job_dag(artifacts, artifacts.job(job), Path("/compiled"))


def edges(dag: DAG) -> dict[str, set[str]]:
    return {task.task_id: set(task.upstream_task_ids) for task in dag.tasks}


def test_the_dag_says_whose_it_is_and_what_it_does(make_artifacts: Make) -> None:
    dag = dag_of(make_artifacts())
    assert (dag.dag_id, dag.description, dag.catchup, dag.max_active_runs) == (
        "shop",
        "What was sold.",
        False,
        1,
    )
    assert dag.tags == {"shop", "domain:retail", "floe"}
    assert {task.owner for task in dag.tasks} == {"shop@example.com"}
    assert dag.timetable.serialize() == {
        "cron": "0 6 * * *",
        "timezone": "UTC",
        "dag_id": "shop",
    }
    assert "* **orders**, table `shop.main.orders`: One row an order." in (dag.doc_md or "")


@of_nodes
def test_a_job_beside_the_whole_product_is_a_dag_of_its_nodes(make_artifacts: Make) -> None:
    artifacts = make_artifacts(
        jobs=[{"name": "shop"}, {"name": "hourly", "node_ids": ["model.shop.orders"]}]
    )
    dag = dag_of(artifacts, "hourly")
    assert dag.dag_id == "shop.hourly"
    assert edges(dag) == {"dbt_build": set(), "orders": {"dbt_build"}, "outcome": {"orders"}}


def test_a_schedule_that_is_not_enabled_never_ticks(make_artifacts: Make) -> None:
    schedule = {"cron": "0 6 * * *", "timezone": "UTC", "enabled": False}
    dag = dag_of(make_artifacts(jobs=[{"name": "shop", "schedule": schedule}]))
    assert dag.schedule is None
    assert "not enabled in floe.yaml" in (dag.doc_md or "")


def triggered(make_artifacts: Make, *, enabled: bool = True, **job: object) -> CompiledArtifacts:
    trigger = {"on_update": "all", "ports": ["crm/people@1"], "enabled": enabled}
    port = {"product": "crm", "port": "people", "version": "1", "label": "dim_people"}
    found = make_artifacts(
        jobs=[{"name": "shop", "trigger": trigger, **job}], input_ports=[port], ledger="../ledger"
    )
    return found.bound_to(Path("/compiled"))


def test_a_job_that_updates_start_is_scheduled_on_an_asset_that_watches_the_ledger(
    make_artifacts: Make,
) -> None:
    dag = dag_of(triggered(make_artifacts))
    [asset] = dag.schedule
    [watcher] = asset.watchers
    path, arguments = watcher.trigger.serialize()
    assert (asset.uri, path) == (
        "floe://shop/shop/updates",
        "floe_orchestrator_airflow.ticks.ledger_trigger.LedgerTrigger",
    )
    assert {name: arguments[name] for name in ("dag_id", "ledger", "project_dir")} == {
        "dag_id": "shop",
        "ledger": "../ledger",
        "project_dir": "/compiled",
    }
    assert [inlet.uri for inlet in dag.get_task("dbt_build").inlets] == ["floe://crm/dim_people"]


def test_a_job_with_ticks_and_updates_has_both(make_artifacts: Make) -> None:
    schedule = {"cron": "0 6 * * *", "timezone": "UTC"}
    dag = dag_of(triggered(make_artifacts, schedule=schedule))
    stored = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert stored.timetable.summary == "Asset or 0 6 * * * UTC"
    assert stored.timetable.timetable.serialize() == {**schedule, "dag_id": "shop"}
    [watcher] = stored.timetable.asset_condition.objects[0].watchers
    assert watcher.trigger["kwargs"]["job"] == "shop"


def test_updates_that_are_not_enabled_start_nothing(make_artifacts: Make) -> None:
    assert dag_of(triggered(make_artifacts, enabled=False)).schedule is None


def test_the_airflow_of_floe_run_does_not_watch_the_ledger(
    make_artifacts: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE", "False")
    [asset] = dag_of(triggered(make_artifacts)).schedule
    assert (asset.uri, asset.watchers) == ("floe://shop/shop/updates", [])


@of_nodes
def test_the_tasks_show_dbts_graph_between_build_and_outcome(make_artifacts: Make) -> None:
    dag = dag_of(make_artifacts(execution={"granularity": "node"}))
    assert edges(dag) == {
        "dbt_build": set(),
        "raw": {"dbt_build"},
        "orders": {"raw"},
        TEST: {"orders"},
        "outcome": {TEST},
    }
    assert {task.task_id: task.operator_name for task in dag.tasks} == {
        "dbt_build": "dbt build",
        "raw": "dbt seed",
        "orders": "dbt model",
        TEST: "dbt test",
        "outcome": "floe outcome",
    }


def test_a_product_can_be_one_task(make_artifacts: Make) -> None:
    dag = dag_of(make_artifacts(execution={"granularity": "product"}))
    assert edges(dag) == {"dbt_build": set()}


@of_nodes
def test_the_tasks_can_show_groups_of_nodes(make_artifacts: Make) -> None:
    dag = dag_of(make_artifacts(execution={"granularity": "group"}))
    assert edges(dag) == {
        "dbt_build": set(),
        "seeds": {"dbt_build"},
        "models": {"seeds"},
        "outcome": {"models"},
    }
    models = dag.get_task("models")
    assert models.node_ids == ["model.shop.orders", "test.shop.unique_orders_id.1a2b"]
    assert models.operator_name == "dbt nodes"


@of_nodes
def test_auto_shows_nodes_up_to_a_hundred_and_groups_beyond(make_artifacts: Make) -> None:
    def with_nodes(count: int) -> CompiledArtifacts:
        nodes = [
            {
                "unique_id": f"model.shop.m{number:03}",
                "name": f"m{number:03}",
                "resource_type": "model",
                "package": "shop",
            }
            for number in range(count)
        ]
        return make_artifacts(nodes=nodes)

    assert len(dag_of(with_nodes(100)).tasks) == 102
    assert set(edges(dag_of(with_nodes(101)))) == {"dbt_build", "models", "outcome"}


def test_the_execution_policy_is_airflows_own_on_the_build_task(make_artifacts: Make) -> None:
    policy = {
        "retries": 2,
        "retry_delay_seconds": 7,
        "retry_backoff": "exponential",
        "timeout_seconds": 600,
    }
    build = dag_of(make_artifacts(execution=policy)).get_task("dbt_build")
    assert (build.retries, build.retry_delay) == (2, timedelta(seconds=7))
    # A multiplier, or whether there is a backoff.
    assert build.retry_exponential_backoff in (2.0, True)
    assert bool(getattr(build, "retry_policy", None)) == has_retry_policies()
    assert build.execution_timeout == timedelta(seconds=660)


def test_the_build_is_retried_as_often_as_the_node_that_may_most(make_artifacts: Make) -> None:
    nodes = [{**NODES[0], "package": "shop", "retries": 3}]
    artifacts = make_artifacts(nodes=nodes, execution={"retries": 1})
    assert dag_of(artifacts).get_task("dbt_build").retries == 3


@of_nodes
def test_what_runs_on_a_worker_takes_a_slot_of_the_products_pool(make_artifacts: Make) -> None:
    dag = dag_of(make_artifacts(execution={"pool": "warehouse"}))
    assert {task.task_id: task.pool for task in dag.tasks} == {
        "dbt_build": "warehouse",
        "raw": "warehouse",
        "orders": "warehouse",
        TEST: "warehouse",
        "outcome": "default_pool",
    }


@of_nodes
def test_a_job_has_a_pool_of_its_own(make_artifacts: Make) -> None:
    jobs = [{"name": "shop", "pool": "slow"}]
    dag = dag_of(make_artifacts(jobs=jobs, execution={"pool": "warehouse"}))
    assert {dag.get_task(name).pool for name in ("dbt_build", "orders")} == {"slow"}


def test_every_relation_is_an_outlet_of_the_build(make_artifacts: Make) -> None:
    build = dag_of(make_artifacts()).get_task("dbt_build")
    assert [(asset.name, asset.uri, asset.group) for asset in build.outlets] == [
        ("floe://shop/raw", "floe://shop/raw", "shop"),
        ("floe://shop/orders", "floe://shop/orders", "shop"),
    ]


@of_nodes
def test_what_every_trigger_brings_for_each_task_holds_nothing_twice(make_artifacts: Make) -> None:
    dag = DagSerialization.to_dict(dag_of(make_artifacts(execution={"granularity": "node"})))
    tasks = {task["__var"]["task_id"]: task["__var"] for task in dag["dag"]["tasks"]}
    trigger = {"__type": "dict", "__var": {"node_ids": ["model.shop.orders"]}}
    assert tasks["orders"]["start_trigger_args"]["trigger_kwargs"] == trigger
    assert not {"params", "outlets", "node_ids"} & tasks["orders"].keys()
    assert "params" in dag["dag"]


def test_the_dag_survives_airflows_own_serialisation(make_artifacts: Make) -> None:
    dag = dag_of(make_artifacts())
    read = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert {t.task_id: set(t.upstream_task_ids) for t in read.tasks} == edges(dag)
    assert read.timetable.summary == "0 6 * * * UTC"


def test_the_same_product_gives_the_same_dag_wherever_it_lies(make_artifacts: Make) -> None:
    artifacts = make_artifacts()
    one, other = (
        DagSerialization.to_dict(job_dag(artifacts, artifacts.jobs[0], Path(folder)))
        for folder in ("/here", "/there")
    )
    assert one == other


@of_nodes
def test_a_step_is_a_task_with_an_asset_for_each_thing_that_it_writes(make_artifacts: Make) -> None:
    nodes = [
        {
            "unique_id": "source.shop.raw.orders",
            "name": "orders",
            "source_name": "raw",
            "resource_type": "source",
        },
        {"unique_id": "step.shop.load", "name": "load", "resource_type": "step"},
        {
            "unique_id": "model.shop.sales",
            "name": "sales",
            "resource_type": "model",
            "depends_on": ["source.shop.raw.orders", "step.shop.load"],
        },
    ]
    steps = [
        {
            "unique_id": "step.shop.load",
            "command": ["load"],
            "sources": ["source.shop.raw.orders"],
            "datasets": ["crm.segments", "s3://lake/orders"],
        }
    ]
    dag = dag_of(make_artifacts(nodes=[{"package": "shop", **n} for n in nodes], steps=steps))
    assert edges(dag) == {
        "dbt_build": set(),
        "load": {"dbt_build"},
        "sales": {"load"},
        "outcome": {"sales"},
    }
    assert dag.get_task("load").operator_name == "step"
    assert [asset.uri for asset in dag.get_task("dbt_build").outlets] == [
        "floe://shop/raw.orders",
        "floe://shop/crm.segments",
        "s3://lake/orders",
        "floe://shop/sales",
    ]


def test_the_trigger_form_describes_every_parameter_of_a_run(make_artifacts: Make) -> None:
    params = dag_of(make_artifacts()).params
    fields = RunParameters.model_fields
    told = {name: params.get_param(name) for name in fields}
    assert {name: (p.schema["title"], p.description) for name, p in told.items()} == {
        name: (field.title, field.description) for name, field in fields.items()
    }
    assert told["resource_types"].schema["items"]["enum"] == [
        "model",
        "seed",
        "snapshot",
        "test",
        "unit_test",
        "step",
    ]
    assert RunParameters.given({n: p.resolve() for n, p in told.items()}) == RunParameters()


def test_the_ends_of_runs_are_reported_beside_a_teams_own_callbacks(make_artifacts: Make) -> None:
    def page_the_team(context: object) -> None:
        pass

    alerts = [{"on": ["failure"], "to": "env:SHOP_ALERTS"}]
    artifacts = make_artifacts(alerts=alerts)
    theirs = {"on_failure_callback": page_the_team}
    dag = job_dag(artifacts, artifacts.job("shop"), Path("/compiled"), theirs)
    assert [each.__name__ for each in dag.on_failure_callback] == [
        "report_failure",
        "page_the_team",
    ]
    assert [each.__name__ for each in dag.on_success_callback] == ["report_success"]
    assert dag.get_task("dbt_build").sends_alerts is False
    quiet = dag_of(make_artifacts())
    assert (quiet.on_failure_callback, quiet.on_success_callback) == (None, None)


def test_without_alerts_a_failure_ends_the_lineage_of_a_killed_build(
    make_artifacts: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:1")
    artifacts = make_artifacts().bound_to(tmp_path)
    dag = dag_of(artifacts)
    assert [each.__name__ for each in dag.on_failure_callback] == ["report_failure"]
    assert dag.on_success_callback is None
    begin_and_die(artifacts, BuildRequest("shop", run_name("shop", "r"), sends_alerts=False))
    report_end_of_run(artifacts, "shop", "shop", "r", succeeded=False)
    assert waiting_lineage(artifacts) == [("shop", "FAIL")]
