"""Products whose jobs run on a work pool of Prefect: a worker runs them, and one process watches."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from running_prefect import RunningPrefect
from served_product import compile_served_product, nominal_times
from updating_mesh import Mesh
from wait_for import wait_for
from what_works_at import processes_at

from floe_core.plugin_api.powers import RunningSchedule
from floe_core.schedules import next_tick
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect import PrefectPlugin

pytestmark = pytest.mark.slow

DEPLOY = """\
import sys

from floe_orchestrator_prefect import load_product_flows

name, folder, options = sys.argv[1], sys.argv[2], eval(sys.argv[3])
print(len(load_product_flows(name, folder).deploy(**options)))
"""
WATCH = """\
from pathlib import Path

from floe_orchestrator_prefect import load_product_flows, watch_products

here = Path(__file__).parent
watch_products(*(load_product_flows(name, here / name) for name in ("marts", "report")))
"""
TO_START = 60.0


class Pool:
    """A server with the work pools `local` and `cluster`, and products deployed there."""

    def __init__(self, folder: Path) -> None:
        self.prefect = RunningPrefect(folder)
        (folder / "deploy.py").write_text(DEPLOY)

    def deploy(
        self, product: CompiledArtifacts, **options: str
    ) -> subprocess.CompletedProcess[str]:
        chosen = {"work_pool": "local", **options}
        return self.prefect.call(
            "python", "deploy.py", product.product.name, str(product.folder), repr(chosen)
        )

    @contextmanager
    def working(self) -> Iterator[None]:
        """Run a worker of the pool `local` while the block does."""
        with self.prefect.running("worker", "prefect", "worker", "start", "--pool", "local"):
            yield


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    found = Pool(tmp_path_factory.mktemp("pools"))
    with found.prefect.up():
        for name, kind in (("local", "process"), ("cluster", "kubernetes")):
            done = found.prefect.call("prefect", "work-pool", "create", name, "--type", kind)
            assert done.returncode == 0, done.stderr
        yield found
    wait_for(lambda: processes_at(found.prefect.folder) == [], 10)


@pytest.fixture(scope="module")
def shop(pool: Pool) -> CompiledArtifacts:
    return compile_served_product(pool.prefect.folder / "shop", "prefect", pool.prefect.url)


@pytest.fixture(scope="module")
def working(pool: Pool, shop: CompiledArtifacts) -> Iterator[Pool]:
    done = pool.deploy(shop)
    assert (done.returncode, done.stdout) == (0, "4\n"), done.stderr
    with pool.working():
        yield pool


def test_each_job_is_a_deployment_of_the_pool_with_its_schedule(
    working: Pool, shop: CompiledArtifacts
) -> None:
    flows = ("web-shop", "web-shop.good", "web-shop.bad", "web-shop.hanging")
    found = {flow: working.prefect.deployment(f"{flow}/floe") for flow in flows}
    assert {each["work_pool_name"] for each in found.values()} == {"local"}
    assert {flow: len(each["schedules"]) for flow, each in found.items()} == {
        "web-shop": 1,
        **dict.fromkeys(flows[1:], 0),
    }
    plugin = PrefectPlugin()
    plugin.configure({"url": working.prefect.url})
    plugin.create_definitions(shop)
    expected = next_tick("0 6 * * *", "Europe/London", datetime.now(UTC))
    assert plugin.running_schedule(shop, "web-shop") == RunningSchedule(expected, is_enabled=True)


def test_a_worker_builds(working: Pool, shop: CompiledArtifacts) -> None:
    run_id = working.prefect.trigger("web-shop.good/floe")
    assert working.prefect.ended(run_id) == "Completed", working.prefect.logs()
    assert working.prefect.tasks(run_id) == {
        "dbt_build": "Completed",
        "first": "Completed",
        "not_null_first_id": "Completed",
        "ticks": "Completed",
    }
    assert len(nominal_times(shop)) == 1


def test_a_failed_build_fails_the_run(working: Pool) -> None:
    run_id = working.prefect.trigger("web-shop.bad/floe")
    assert working.prefect.ended(run_id) == "Failed"
    assert working.prefect.tasks(run_id) == {
        "dbt_build": "Failed",
        "bad": "Failed",
        "after_bad": "Skipped",
        "aside": "Completed",
    }


def test_canceling_ends_the_build(working: Pool, shop: CompiledArtifacts) -> None:
    run_id = working.prefect.trigger("web-shop.hanging/floe")
    wait_for(lambda: working.prefect.tasks(run_id).get("hanging") == "Running", TO_START)
    working.prefect.cancel(run_id)
    assert working.prefect.ended(run_id) == "Cancelled"
    wait_for(lambda: not list(hanging_builds(shop)), 20)


def hanging_builds(shop: CompiledArtifacts) -> Iterator[object]:
    """Yield why the warehouse cannot be opened by another process."""
    query = "import duckdb, sys; duckdb.connect(sys.argv[1])"
    place = str(shop.folder / "shop.duckdb")
    done = subprocess.run([sys.executable, "-c", query, place], capture_output=True, check=False)
    if done.returncode:
        yield done.stderr


def test_an_image_and_its_folder_are_what_the_pool_gets(
    working: Pool, shop: CompiledArtifacts
) -> None:
    """And deploying again changes a deployment."""
    where = {"work_pool": "cluster", "image": "registry/shop:1.2", "folder": "/opt/shop"}
    variables = {"job_variables": {"env": {"FLOE_ENV": "prod"}}}
    try:
        done = working.deploy(shop, **where, **variables)
        assert done.returncode == 0, done.stderr
        found = working.prefect.deployment("web-shop.good/floe")
    finally:
        working.deploy(shop)
    assert found["work_pool_name"] == "cluster"
    assert found["entrypoint"] == "/opt/shop/flow.py:good"
    assert found["job_variables"] == {"env": {"FLOE_ENV": "prod"}, "image": "registry/shop:1.2"}
    again = working.prefect.deployment("web-shop.good/floe")
    assert (again["work_pool_name"], again["job_variables"]) == ("local", {"env": {}})
    assert again["entrypoint"] == f"{shop.folder}/flow.py:good"


def test_a_paused_deployment_stays_so_when_it_is_deployed_again(
    working: Pool, shop: CompiledArtifacts
) -> None:
    place = f"/deployments/{working.prefect.deployment('web-shop.good/floe')['id']}"
    working.prefect.request("PATCH", place, {"paused": True})
    done = working.deploy(shop)
    found = [
        working.prefect.deployment(f"{name}/floe")["paused"]
        for name in ("web-shop", "web-shop.good")
    ]
    working.prefect.request("PATCH", place, {"paused": False})
    assert (done.returncode, found) == (0, [False, True]), done.stderr


def test_a_pool_that_is_not_there_is_an_error(pool: Pool, shop: CompiledArtifacts) -> None:
    done = pool.deploy(shop, work_pool="nowhere")
    assert done.returncode == 1
    assert "Prefect's server has no work pool nowhere; create it: `prefect work-pool" in done.stderr


def test_updates_of_ports_start_runs_on_the_worker(working: Pool) -> None:
    mesh = Mesh(working.prefect.folder / "mesh", "prefect")
    (mesh.folder / "watch.py").write_text(WATCH)
    for product in mesh.consumers.values():
        done = working.deploy(product)
        assert done.returncode == 0, done.stderr
    with working.prefect.running("watch", "python", "watch.py", cwd=mesh.folder):
        mesh.update("crm", "sales")
        wait_for(lambda: len(working.prefect.runs("marts")) == 1, TO_START)
        [run] = working.prefect.runs("marts")
        assert working.prefect.ended(run["id"]) == "Completed", working.prefect.logs()
    with duckdb.connect(str(mesh.folder / "mesh.duckdb"), read_only=True) as warehouse:
        assert warehouse.execute("from marts.mart").fetchall() == [(1, "Ada", 7, 1)]


def test_there_must_be_something_to_watch(pool: Pool, shop: CompiledArtifacts) -> None:
    script = (
        "from floe_orchestrator_prefect import load_product_flows\n"
        f"load_product_flows('web-shop', {json.dumps(str(shop.folder))}).watch()\n"
    )
    done = pool.prefect.call("python", "-c", script)
    assert done.returncode == 1
    assert "web-shop: no updates of ports start a job, and there are no deadlines" in done.stderr
