"""A port whose model another dbt package of the producer defines: one asset for both products."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mesh_products import Mesh

from floe_core.compiler import compile_product
from floe_orchestrator_airflow.names.product_assets import node_asset as airflow_asset
from floe_orchestrator_dagster.names.asset_keys import key_of
from floe_orchestrator_prefect.task.node_tasks import node_assets as prefect_assets

DBT = Path(sys.executable).with_name("dbt")


def test_producer_and_consumer_have_the_same_asset_on_each_orchestrator(tmp_path: Path) -> None:
    mesh = Mesh(tmp_path)
    package = tmp_path / "people"
    (package / "models").mkdir(parents=True)
    (package / "dbt_project.yml").write_text("name: people\nversion: 1.0.0\n")
    (mesh.folder / "crm" / "models" / "dim_customers.sql").rename(
        package / "models" / "dim_customers.sql"
    )
    (mesh.folder / "crm" / "packages.yml").write_text("packages: [{local: ../people}]\n")
    subprocess.run([DBT, "deps"], cwd=mesh.folder / "crm", check=True, capture_output=True)
    of = {}
    for orchestrator in ("airflow", "dagster", "prefect"):
        for name in ("crm", "billing"):
            of[name] = compile_product(mesh.folder / name, orchestrator=orchestrator)
        marts = compile_product(mesh.folder / "marts", orchestrator=orchestrator)
    crm = of["crm"]
    [port] = [each for each in marts.input_ports if each.product == "crm"]
    own, read = crm.by_id[crm.ports[0].node_id], marts.by_id[port.node_id]
    assert own.package == "people"
    assert airflow_asset(crm, own).uri == airflow_asset(marts, read).uri
    assert airflow_asset(crm, own).uri == "floe://crm/people/dim_customers"
    assert key_of(own) == key_of(read)
    ours, theirs = prefect_assets(crm), prefect_assets(marts)
    assert ours[own.unique_id].key == theirs[read.unique_id].key
