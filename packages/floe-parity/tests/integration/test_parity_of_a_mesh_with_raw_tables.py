"""What is in the file of a mesh, and none of its products builds, is there on each side."""

from __future__ import annotations

from pathlib import Path

import duckdb
from mesh_products import Mesh

from floe_core.compiler.ports.products import read_platform
from floe_parity.sides.mesh_sides import MeshSide, compile_mesh_side, products_in_order
from floe_parity.sides.side import run_in_schemas


def test_raw_tables_in_the_file_of_the_products_are_read(tmp_path: Path) -> None:
    mesh = Mesh(tmp_path / "mesh")
    (mesh.folder / "manifest-crm.yaml").rename(mesh.folder / "manifest.yaml")
    spec = mesh.folder / "crm" / "floe.yaml"
    spec.write_text(spec.read_text().replace("manifest-crm.yaml", "manifest.yaml"))
    raw = "select 1 as customer_id, name, 'nowhere' as address from mesh.mesh.{{ 'peo' ~ 'ple' }}"
    mesh.write_model("crm", "dim_customers", raw)
    with duckdb.connect(str(mesh.folder / "mesh.duckdb")) as connection:
        # A schema may have the name of its database.
        connection.execute("create schema mesh")
        connection.execute("create table mesh.mesh.people as select 'eve' as name")
        connection.execute("create schema crm")
        connection.execute("create table crm.dim_customers as select 'of the real run' as name")
        connection.execute("create schema marts")
        connection.execute("create view marts.revenue as select * from crm.dim_customers")
    mesh.compile()
    products = products_in_order(read_platform(mesh.folder))
    side = MeshSide("dbt", dict.fromkeys(products, "dbt"))
    compiled = compile_mesh_side(side, products, tmp_path / "side")
    found = [run_in_schemas(each, lambda event: None) for each in compiled]

    assert [each.report.status for each in found] == ["success"] * 3
    with duckdb.connect(str(tmp_path / "side" / "mesh.duckdb")) as connection:
        [[name]] = connection.execute("select name from marts.revenue").fetchall()
    assert name == "eve"
