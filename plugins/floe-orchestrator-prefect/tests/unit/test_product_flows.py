from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from killed_build import begin_and_die, waiting_lineage
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ParameterTypeError
from prefect.states import Crashed
from prefect.tasks import MaterializingTask
from prefect.utilities.callables import parameter_schema

from floe_core.foundation.errors import InvalidProductError
from floe_core.plugin_api.powers import RetryPlan
from floe_core.runs.build_request import BuildRequest
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas.nodes import Step
from floe_core.schemas.policies import ExecutionPolicy, Job
from floe_core.schemas.ports import InputPort
from floe_orchestrator_prefect import PrefectPlugin
from floe_orchestrator_prefect.names.prefect_names import attribute_name, node_names
from floe_orchestrator_prefect.task.run_request import builds_of


def flows_of(artifacts, folder=Path("/compiled")):
    return PrefectPlugin().create_definitions(artifacts.bound_to(folder))


def test_a_plugin_that_is_imported_has_not_imported_prefect():
    code = "import sys, floe_orchestrator_prefect as p; p.PrefectPlugin(); print('prefect' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"


def test_each_job_is_a_flow_with_a_deployment(node, product):
    jobs = (Job(name="web-shop"), Job(name="nightly", node_ids=("model.shop.a",)))
    found = flows_of(product(node("model", "a"), node("model", "b"), jobs=jobs))
    assert {name: flow.name for name, flow in found.flows.items()} == {
        "web-shop": "web-shop",
        "nightly": "web-shop.nightly",
    }
    assert [(d.flow_name, d.name, d.entrypoint) for d in found.deployments()] == [
        ("web-shop", "floe", "/compiled/flow.py:web_shop"),
        ("web-shop.nightly", "floe", "/compiled/flow.py:nightly"),
    ]
    assert {job: list(tasks) for job, tasks in found.tasks.items()} == {
        "web-shop": ["model.shop.a", "model.shop.b"],
        "nightly": ["model.shop.a"],
    }


def test_a_model_materializes_an_asset_and_a_test_does_not(node, product):
    source = node("source", "people", source_name="erp")
    model = node("model", "orders", depends_on=(source.unique_id,), description="What was sold.")
    test = node("test", "not_null_orders_id", depends_on=(model.unique_id,))
    tasks = flows_of(product(source, model, test)).tasks["web-shop"]
    made, checked = tasks[model.unique_id], tasks[test.unique_id]
    assert isinstance(made, MaterializingTask)
    assert not isinstance(checked, MaterializingTask)
    assert [asset.key for asset in made.assets] == ["floe://web-shop/orders"]
    assert [asset.key for asset in made.asset_deps] == ["floe://web-shop/people"]
    assert [asset.key for asset in checked.asset_deps] == ["floe://web-shop/orders"]
    assert made.assets[0].properties.description == "What was sold."


def test_a_model_that_reads_a_port_depends_on_its_producers_asset(node, product):
    people = node("model", "dim_people", unique_id="model.crm.dim_people", package="crm")
    model = node("model", "orders", depends_on=(people.unique_id,))
    port = InputPort(
        product="crm", port="people", version="1", node_id=people.unique_id, label="dim_people"
    )
    tasks = flows_of(product(people, model, input_ports=(port,))).tasks["web-shop"]
    assert [asset.key for asset in tasks[model.unique_id].asset_deps] == ["floe://crm/dim_people"]


def test_a_step_materializes_what_it_writes(node, product):
    source = node("source", "orders", source_name="raw")
    load = node("step", "load")
    push = node("step", "push", depends_on=("model.shop.sales",))
    sales = node("model", "sales", depends_on=(source.unique_id, load.unique_id))
    steps = (
        Step(
            unique_id=load.unique_id,
            command=("load",),
            sources=(source.unique_id,),
            datasets=("crm.segments", "s3://lake/orders"),
        ),
        Step(unique_id=push.unique_id, command=("push",)),
    )
    tasks = flows_of(product(source, load, push, sales, steps=steps)).tasks["web-shop"]
    made, pushed = tasks[load.unique_id], tasks[push.unique_id]
    keys = ["floe://web-shop/orders", "floe://web-shop/crm.segments", "s3://lake/orders"]
    assert [asset.key for asset in made.assets] == keys
    assert made.materialized_by == "floe"
    assert not isinstance(pushed, MaterializingTask)
    assert [asset.key for asset in pushed.asset_deps] == ["floe://web-shop/sales"]


def test_two_nodes_of_one_name_are_known_by_their_ids(node, product):
    one = node("model", "orders")
    other = node("model", "orders", unique_id="model.sales.orders", package="sales")
    assert node_names(product(one, other, node("model", "people"))) == {
        "model.shop.orders": "model.shop.orders",
        "model.sales.orders": "model.sales.orders",
        "model.shop.people": "people",
    }


def test_jobs_that_differ_in_punctuation_alone_are_refused(node, product):
    jobs = (Job(name="web-shop"), Job(name="web_shop"))
    with pytest.raises(InvalidProductError) as refused:
        flows_of(product(node("model", "a"), jobs=jobs))
    assert str(refused.value) == (
        "two jobs would both be the flow web_shop in flow.py\n"
        "fix: rename one in floe.yaml so that they differ in more than punctuation"
    )


@pytest.mark.parametrize(
    ("name", "attribute"),
    [("customer-360", "customer_360"), ("2024", "job_2024"), ("for", "job_for")],
)
def test_a_job_has_an_attribute_that_python_takes(name, attribute):
    assert attribute_name(name) == attribute


@pytest.mark.parametrize(
    ("policy", "plan"),
    [
        (ExecutionPolicy(), RetryPlan()),
        (ExecutionPolicy(retries=2, retry_delay_seconds=5), RetryPlan((5.0, 5.0))),
        (
            ExecutionPolicy(retries=3, retry_delay_seconds=5, retry_backoff="exponential"),
            RetryPlan((5.0, 10.0, 20.0)),
        ),
        (ExecutionPolicy(pool="warehouse"), RetryPlan(pool="warehouse")),
    ],
)
def test_the_plan_of_retries_is_that_of_the_build_task(policy, plan, node, product):
    artifacts = product(node("model", "a"), execution=policy)
    assert PrefectPlugin().retry_plan(artifacts, "web-shop") == plan


def test_a_job_has_its_own_pool_as_the_tag_of_its_build(node, product):
    jobs = (Job(name="web-shop"), Job(name="hourly", pool="slow"))
    artifacts = product(node("model", "a"), jobs=jobs, execution=ExecutionPolicy(pool="warehouse"))
    plans = {job.name: PrefectPlugin().retry_plan(artifacts, job.name).pool for job in jobs}
    assert plans == {"web-shop": "warehouse", "hourly": "slow"}


def test_prefects_form_describes_every_parameter_of_a_run(node, product):
    flow = flows_of(product(node("model", "a"))).flows["web-shop"]
    told = parameter_schema(flow.fn).model_dump()["properties"]
    fields = RunParameters.model_fields
    assert {name: told[name]["description"] for name in fields} == {
        name: field.description for name, field in fields.items()
    }
    assert all(each["description"] for each in told.values())


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"resource_types": ["seeds"]}, "resource_types"),
        ({"full_refresh": "perhaps"}, "full_refresh"),
        ({"vars": "word"}, "vars"),
    ],
)
def test_prefect_refuses_what_is_no_parameter(node, product, given, wrong):
    flow = flows_of(product(node("model", "a"))).flows["web-shop"]
    with pytest.raises(ParameterTypeError, match=wrong):
        flow.validate_parameters(given)


@pytest.mark.long
def test_without_alerts_a_crash_ends_the_lineage_of_a_killed_build(
    node, product, tmp_path, monkeypatch
):
    artifacts = product(node("model", "a")).bound_to(tmp_path)
    hooks = flows_of(artifacts, tmp_path).flows["web-shop"].on_crashed_hooks
    assert [hook.__name__ for hook in hooks] == ["start"]
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:1")
    flow = flows_of(artifacts, tmp_path).flows["web-shop"]
    run = FlowRun(id=uuid4(), flow_id=uuid4(), name="r")
    begin_and_die(artifacts, BuildRequest("web-shop", builds_of(run)[-1], sends_alerts=False))
    for hook in flow.on_crashed_hooks:
        hook(flow, run, Crashed())
    assert waiting_lineage(artifacts) == [("web-shop", "FAIL")]
