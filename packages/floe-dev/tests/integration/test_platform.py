"""A `floe dev` of a platform: its products on one orchestrator, or on several.

The oracles are plain dbt on one project that has the models of all products, the orchestrators' own
pages, and the processes of the machine.
"""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import duckdb
import pytest

from floe_core.ports.watch import SECONDS_BETWEEN_LOOKS

sys.path.insert(0, str(Path(__file__).parents[1]))
from dev_session import PATIENCE, Dev, alive, dev_of, floe, left_of, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: acme, version: 1.0.0, owner: data@example.com}
plugins:
  orchestrator: {type: dagster}
  compute: {type: duckdb, config: {path: "../acme.duckdb", schema: "{product_slug}", threads: 1}}
products: {sales: sales, crm: crm, stock: s3://elsewhere/stock}
ledger: ledger
"""
PRODUCT = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: %s, version: 1.0.0, owner: data@example.com}
platform: {manifest: ../manifest.yaml}
"""
CRM = "outputPorts: [{name: customers, model: customers, version: 1}]\n"
SALES = """\
inputPorts: [{product: crm, port: customers, version: 1}]
schedule: {onUpdate: all}
"""
CUSTOMERS = "select 1 as id, 'ada' as name union all select 2, 'bob'"
ORDERS = "select id, upper(name) as name, 10 * id as amount from {{ ref('crm', 'customers') }}"
# Product -> orchestrator.
PLACES = {
    "dagster": {"crm": "dagster", "sales": "dagster"},
    "prefect": {"crm": "prefect", "sales": "prefect"},
    "airflow": {"crm": "airflow", "sales": "airflow"},
    "several": {"crm": "airflow", "sales": "prefect"},
}


@pytest.fixture
def acme(tmp_path: Path) -> Path:
    """A platform of two products here, one of which reads the other, and one elsewhere."""
    folder = tmp_path / "acme"
    write_product(folder / "crm", PRODUCT % "crm" + CRM, customers=CUSTOMERS)
    write_product(folder / "sales", PRODUCT % "sales" + SALES, orders=ORDERS)
    (folder / "manifest.yaml").write_text(MANIFEST)
    return folder


@pytest.mark.parametrize("where", PLACES)
def test_a_session(where: str, acme: Path) -> None:
    options = [word for pair in PLACES[where].items() for word in ("--place", "=".join(pair))]
    with dev_of(acme, "--schedules", *options) as dev:
        dev.await_line("`floe run` uses them")
        assert any("stock is not served: s3://elsewhere/stock" in line for line in dev.lines)
        has_pages(dev, PLACES[where])
        updates_start_runs(dev)
        breaks_alone(dev)
        follows_what_it_reads(dev)
        second = floe("dev", acme / "crm")
        assert (second.returncode, "is up already at" in second.stderr) == (3, True)
        processes = dev.processes()
        assert dev.interrupt() == 130
        assert alive(processes) == []
    assert left_of(acme) == []


@pytest.mark.parametrize("orchestrator", ["dagster", "prefect", "airflow"])
def test_updates_start_nothing_without_schedules(orchestrator: str, acme: Path) -> None:
    """Not in the time of three looks at the ledger."""
    with dev_of(acme, "--on", orchestrator) as dev:
        dev.await_line("`floe run` uses them")
        assert run(acme / "crm")["status"] == "success"
        time.sleep(3 * SECONDS_BETWEEN_LOOKS)
        with duckdb.connect(str(acme / "acme.duckdb"), read_only=True) as warehouse:
            schemas = warehouse.execute(
                "select distinct table_schema from information_schema.tables"
            )
            assert schemas.fetchall() == [("crm",)]


def has_pages(dev: Dev, places: dict[str, str]) -> None:
    """The line of each orchestrator has its products, and its pages respond."""
    for orchestrator in {*places.values()}:
        [line] = [each for each in dev.lines if f"{orchestrator}'s pages, with " in each]
        assert all((name in line) == (places[name] == orchestrator) for name in places)
        with urllib.request.urlopen(line.rpartition(" ")[2]) as response:
            assert response.status == 200


def updates_start_runs(dev: Dev) -> None:
    """A run of the producer starts the consumer, and both tables are those of plain dbt."""
    found = run(dev.folder / "crm")
    assert found["status"] == "success", found
    expected = of_plain_dbt(dev.folder, CUSTOMERS, ORDERS)
    await_rows(dev.folder, expected)


def breaks_alone(dev: Dev) -> None:
    """An error in one product is shown as its own, and the other one runs."""
    seen = len(dev.lines)
    model = dev.folder / "crm/models/customers.sql"
    model.write_text("select {{ nope( }} as id")
    dev.await_line("crm: the last good state goes on running", seen)
    failed = floe("run", dev.folder / "crm")
    assert (failed.returncode, "models/customers.sql" in failed.stderr) == (1, True)
    found = run(dev.folder / "sales")
    assert (found["status"], any("http" in line for line in found["look_further"])) == (
        "success",
        True,
    )
    model.write_text(CUSTOMERS)
    dev.await_line("crm: models/customers.sql: compiled", seen)


def follows_what_it_reads(dev: Dev) -> None:
    """A column that goes from a port is an error of what reads it, until that follows."""
    seen = len(dev.lines)
    fewer, without = "select 3 as id", ORDERS.replace("upper(name) as name, ", "")
    (dev.folder / "crm/models/customers.sql").write_text(fewer)
    dev.await_line("sales: does not compile", seen)
    (dev.folder / "sales/models/orders.sql").write_text(without)
    dev.await_line("sales: models/orders.sql: compiled", seen)
    assert run(dev.folder / "crm")["status"] == "success"
    await_rows(dev.folder, of_plain_dbt(dev.folder, fewer, without))


def await_rows(folder: Path, expected: dict[str, list[Any]]) -> None:
    deadline = time.monotonic() + PATIENCE
    while (found := rows(folder / "acme.duckdb", "crm", "sales")) != expected:
        assert time.monotonic() < deadline, found
        time.sleep(1)


def rows(file: Path, customers: str, orders: str) -> dict[str, list[Any]]:
    """Return the tables, given the schemas they are in; {} while another process has the file."""
    try:
        with duckdb.connect(str(file), read_only=True) as warehouse:
            tables = {"customers": customers, "orders": orders}
            return {
                name: warehouse.execute(f"from {schema}.{name} order by all").fetchall()
                for name, schema in tables.items()
            }
    except duckdb.Error:
        return {}


def of_plain_dbt(folder: Path, customers: str, orders: str) -> dict[str, list[Any]]:
    project = folder.parent / "plain"
    write_dbt(project, customers=customers, orders=orders.replace("'crm', ", ""))
    output = "{type: duckdb, path: plain.duckdb, schema: main}"
    (project / "profiles.yml").write_text(f"plain: {{target: it, outputs: {{it: {output}}}}}\n")
    dbt = Path(sys.executable).with_name("dbt")
    subprocess.run([dbt, "build"], cwd=project, check=True, capture_output=True)
    return rows(project / "plain.duckdb", "main", "main")


def write_product(folder: Path, spec: str, **models: str) -> None:
    write_dbt(folder, **models)
    (folder / "floe.yaml").write_text(spec)


def write_dbt(folder: Path, **models: str) -> None:
    (folder / "models").mkdir(parents=True, exist_ok=True)
    name = folder.name
    project = f"name: {name}\nversion: 1.0.0\nconfig-version: 2\nprofile: {name}\n"
    (folder / "dbt_project.yml").write_text(project)
    for each, sql in models.items():
        (folder / "models" / f"{each}.sql").write_text(sql)
