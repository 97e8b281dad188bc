from __future__ import annotations

import pytest
from dagster import AssetCheckKey, AssetKey, AssetsDefinition, RetryPolicy
from dagster._core.definitions.utils import DISALLOWED_NAMES

from floe_core.foundation.errors import InvalidProductError
from floe_core.schemas.policies import ExecutionPolicy, Job, Schedule
from floe_orchestrator_dagster import DagsterOrchestratorPlugin, DagsterPlugin
from floe_orchestrator_dagster.definitions.building import DoublingRetryPolicy, retry_policy
from floe_orchestrator_dagster.definitions.product_definitions import definitions_of
from floe_orchestrator_dagster.names.dagster_names import plain


@pytest.fixture
def shop(node, product):
    jobs = (
        Job(name="web-shop"),
        Job(name="part-of-it", node_ids=("model.shop.orders", "test.shop.t1", "test.shop.t3")),
    )
    return product(
        node("source", "raw", source_name="erp"),
        node("model", "orders", depends_on=("source.shop.erp.raw",)),
        node("model", "sums", depends_on=("model.shop.orders",)),
        node("test", "t1", tested="model.shop.orders"),
        node("test", "t2", tested="model.shop.orders"),
        node("test", "t3", tested="source.shop.erp.raw"),
        jobs=jobs,
    )


def parts(job):
    """Return the asset keys and the check keys that a job runs."""
    [assets_def] = {
        job.asset_layer.get(key).assets_def for key in job.asset_layer.executable_asset_keys
    }
    return set(assets_def.keys), set(assets_def.check_keys)


def checks(*names):
    places = {"t1": ["orders"], "t2": ["orders"], "web_shop__t3": ["erp", "raw"]}
    return {AssetCheckKey(AssetKey(places[name]), name) for name in names}


def test_the_job_of_the_products_name_holds_everything(shop):
    job = definitions_of(shop).resolve_job_def("web_shop")
    everything = {AssetKey(["orders"]), AssetKey(["sums"])}
    assert parts(job) == (everything, checks("t1", "t2", "web_shop__t3"))


def test_another_job_holds_its_nodes_and_its_checks_and_no_more(shop):
    job = definitions_of(shop).resolve_job_def("web_shop__part_of_it")
    assert parts(job) == ({AssetKey(["orders"])}, checks("t1", "web_shop__t3"))


def test_runs_of_a_job_bear_the_names_of_product_and_job(shop):
    job = definitions_of(shop).resolve_job_def("web_shop__part_of_it")
    assert job.tags == {"floe/product": "web-shop", "floe/job": "part-of-it"}


def test_two_jobs_of_one_dagster_name_are_refused(node, product):
    jobs = (Job(name="web-shop"), Job(name="a-b"), Job(name="a_b"))
    with pytest.raises(InvalidProductError) as caught:
        definitions_of(product(node("model", "orders"), jobs=jobs))
    assert str(caught.value) == (
        "jobs a-b and a_b would both be the Dagster job web_shop__a_b\n"
        "fix: rename one in floe.yaml so that they differ in more than punctuation"
    )


def test_names_that_dagster_would_make_one_are_kept_apart(node, product):
    shop = product(
        node("model", "orders"),
        node("model", "orders_items"),
        node("model", "orders-items"),
        node("test", "items_sound", tested="model.shop.orders"),
        node("test", "sound", tested="model.shop.orders_items"),
    )
    [assets_def] = [a for a in definitions_of(shop).assets if hasattr(a, "check_keys")]
    assert len(assets_def.keys) == 3
    assert len(set(assets_def.check_keys)) == 2


@pytest.mark.parametrize("name", [*sorted(DISALLOWED_NAMES), "a b", "ünï", "a/b", "1", "x" * 300])
def test_any_name_that_dbt_takes_loads(name, node, product):
    shop = product(
        node("model", name, group=name, tags=(name,)),
        node("model", "child", depends_on=(f"model.shop.{name}",)),
        node("test", name, tested=f"model.shop.{name}"),
    )
    graph = definitions_of(shop).resolve_asset_graph()
    assert graph.get(AssetKey(["child"])).parent_keys == {AssetKey([name])}


@pytest.mark.parametrize("name", sorted(name for name in DISALLOWED_NAMES if name.islower()))
def test_a_product_whose_name_dagster_reserves_has_a_job(name, node, product):
    name = name.replace("_", "-")
    job = plain(name) + ("_" if plain(name) in DISALLOWED_NAMES else "")
    definitions = definitions_of(product(node("model", "orders"), name=name))
    assert definitions.resolve_job_def(job).tags["floe/product"] == name


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (ExecutionPolicy(), None),
        (ExecutionPolicy(retries=2, retry_delay_seconds=5), RetryPolicy(2, delay=5)),
        (
            ExecutionPolicy(retries=1, retry_delay_seconds=5, retry_backoff="exponential"),
            DoublingRetryPolicy(1, delay=5),
        ),
    ],
)
def test_retries_are_dagsters_own(policy, expected, product):
    found = retry_policy(product(execution=policy))
    assert (type(found), found) == (type(expected), expected)


def test_exponential_retries_double_their_delay(product):
    policy = ExecutionPolicy(retries=4, retry_delay_seconds=5, retry_backoff="exponential")
    found = retry_policy(product(execution=policy))
    assert [found.calculate_delay(retry) for retry in (1, 2, 3, 4)] == [5, 10, 20, 40]


def test_the_step_is_retried_as_often_as_the_node_that_may_most(node, product):
    found = retry_policy(
        product(
            node("model", "a", retries=3),
            node("model", "b", retries=0),
            execution=ExecutionPolicy(retries=1, retry_delay_seconds=5),
        )
    )
    assert found == RetryPolicy(3, delay=5)


def test_the_step_takes_a_slot_of_the_products_pool(node, product, tmp_path):
    artifacts = product(node("model", "a"), execution=ExecutionPolicy(pool="warehouse"))
    step = DagsterPlugin().create_definitions(artifacts.bound_to(tmp_path))
    [asset] = [a for a in step.assets if isinstance(a, AssetsDefinition)]
    assert asset.op.pool == "warehouse"


def test_where_jobs_have_other_pools_the_op_has_none(node, product, tmp_path):
    jobs = (Job(name="web-shop"), Job(name="hourly", pool="slow"))
    artifacts = product(node("model", "a"), jobs=jobs, execution=ExecutionPolicy(pool="warehouse"))
    step = DagsterPlugin().create_definitions(artifacts.bound_to(tmp_path))
    [asset] = [a for a in step.assets if isinstance(a, AssetsDefinition)]
    assert asset.op.pool is None
    plans = {job.name: DagsterPlugin().retry_plan(artifacts, job.name).pool for job in jobs}
    assert plans == {"web-shop": "warehouse", "hourly": "slow"}


def test_create_definitions_tells_every_problem_at_once(node, product):
    broken = product(
        node("model", "a", depends_on=("model.shop.gone",)),
        node("seed", "a"),
        jobs=(
            Job(name="web-shop", schedule=Schedule(cron="61 * * * *", timezone="Mars/Phobos")),
            Job(name="x", node_ids=("model.shop.none",)),
        ),
    )
    with pytest.raises(InvalidProductError) as caught:
        DagsterPlugin().create_definitions(broken)
    assert [problem.what.partition(":")[0] for problem in caught.value.problems] == [
        "model.shop.a depends on model.shop.gone, which is absent",
        "schedule of job 'web-shop'",
        "schedule of job 'web-shop'",
        "job 'x' runs model.shop.none, which is not a node",
        "model.shop.a and seed.shop.a have the same Dagster asset key, a",
    ]


def test_create_definitions_without_a_folder_names_the_loader(node, product):
    with pytest.raises(InvalidProductError) as caught:
        DagsterPlugin().create_definitions(product(node("model", "orders")))
    assert str(caught.value) == (
        "these artifacts of 'web-shop' come from no folder, and Dagster runs the dbt project in "
        "one\nfix: load them with "
        "floe_orchestrator_dagster.loader.load_product_definitions('web-shop', project_dir)"
    )


def test_both_names_are_one_class():
    assert DagsterPlugin is DagsterOrchestratorPlugin
