"""A written flow runs on Prefect, and builds what the old one built."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from floe_core.compiler import compile_product
from floe_import.import_files import Request, import_files
from floe_import.writing import write_report

pytestmark = pytest.mark.long

FLOW = """
from prefect import flow
from prefect_dbt import PrefectDbtRunner, PrefectDbtSettings

SHOP = {folder!r}

@flow
def nightly():
    runner = PrefectDbtRunner(settings=PrefectDbtSettings(project_dir=SHOP, profiles_dir=SHOP))
    runner.invoke(["run", "--select", "orders+"])
    runner.invoke(["test"])
"""
IN_TASKS = """
import asyncio

from prefect import flow, task
from prefect_dbt import DbtCoreOperation, PrefectDbtRunner, PrefectDbtSettings

SHOP = {folder!r}

@task
def build(select):
    runner = PrefectDbtRunner(settings=PrefectDbtSettings(project_dir=SHOP, profiles_dir=SHOP))
    runner.invoke(["run", "--select", select])

@task
async def check():
    await DbtCoreOperation(commands=["dbt test"], project_dir=SHOP, profiles_dir=SHOP).run()

@flow
async def nightly():
    orders = build.submit("orders")
    orders.wait()
    build("totals", wait_for=[orders])
    await asyncio.gather(check(), asyncio.sleep(0))
"""
ORDERS, TOTALS = {"model.shop.orders": "success"}, {"model.shop.totals": "success"}
TEST = {"test.shop.not_null_orders_id.84ef11d8fe": "pass"}
# What the calls of floe return, in their order.
RUN = """
import asyncio, importlib.util, inspect, json, sys
from prefect.testing.utilities import prefect_test_harness
spec = importlib.util.spec_from_file_location("written", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
results, real = [], module.floe_flow
def floe_flow(*arguments, **named):
    def run():
        results.append(real(*arguments, **named)())
    return run
module.floe_flow = floe_flow
with prefect_test_harness(server_startup_timeout=300):
    done = module.nightly()
    if inspect.iscoroutine(done):
        asyncio.run(done)
print(json.dumps(results))
"""


@pytest.mark.parametrize(
    ("flow", "disposition", "expected"),
    [
        (FLOW, "exact", [ORDERS | TOTALS, TEST]),
        (IN_TASKS, "changed", [ORDERS, TOTALS, TEST]),
    ],
    ids=["in_a_flow", "in_tasks"],
)
def test_a_written_flow_builds_what_the_old_one_built(
    flow: str, disposition: str, expected: list[dict[str, str]], tmp_path: Path
) -> None:
    shop = tmp_path / "shop"
    files = {
        "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\n",
        "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n",
        "models/orders.sql": "select 1 as id",
        "models/totals.sql": "select count(*) as n from {{ ref('orders') }}",
        "models/apart.sql": "select 1 as id",
        "models/schema.yml": (
            "models: [{name: orders, columns: [{name: id, data_tests: [not_null]}]}]\n"
        ),
    }
    for name, text in files.items():
        (shop / name).parent.mkdir(parents=True, exist_ok=True)
        (shop / name).write_text(text)
    file = tmp_path / "nightly.py"
    file.write_text(flow.format(folder=str(shop)))
    report = import_files(Request([file], (), tmp_path / "out"))
    assert report.disposition == disposition, report.as_text()
    write_report(report)
    compile_product(shop)
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path / "out" / "flows" / "nightly.py")],
        env=os.environ | {"PREFECT_HOME": str(tmp_path / "prefect"), "DO_NOT_TRACK": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == expected
