"""Input ports in an environment of the manifest, and as sources for a dbt of the product's own.

What dbt itself makes of the written sources is read from its manifest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mesh_products import PRODUCTS, Mesh

from floe_core.schemas.compiled_artifacts import CompiledArtifacts

DBT = Path(sys.executable).with_name("dbt")
STAGING = 'environments: {staging: {compute: {schema: "stg_{product_slug}"}}}\n'


def give_environment(mesh: Mesh) -> None:
    for product in PRODUCTS:
        file = mesh.folder / f"manifest-{product}.yaml"
        file.write_text(file.read_text() + STAGING)


def name_own_dbt(mesh: Mesh) -> None:
    file = mesh.folder / "marts" / "floe.yaml"
    own = f"execution: {{dbtExecutable: '{DBT}'}}\ninputPorts:"
    file.write_text(file.read_text().replace("inputPorts:", own))
    mesh.write_model("marts", "stg_customers", "select * from {{ source('crm', 'dim_customers') }}")


def sources_of_dbt(product: Path, **variables: str) -> dict[str, str]:
    """Return source -> relation, as plain dbt parses the project."""
    environment = {**os.environ, "FLOE_PROJECT_DIR": ".", **variables}
    command = [DBT, "parse", "--profiles-dir", ".", "--target-path", "of-dbt"]
    subprocess.run(command, cwd=product, env=environment, check=True, capture_output=True)
    manifest = json.loads((product / "of-dbt" / "manifest.json").read_text())
    return {each["name"]: each["relation_name"] for each in manifest["sources"].values()}


def test_a_port_stays_one_in_an_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh = Mesh(tmp_path)
    give_environment(mesh)
    mesh.compile()
    own = mesh.artifacts("marts").by_id["model.crm.dim_customers"]
    monkeypatch.setenv("FLOE_ENV", "staging")
    there = CompiledArtifacts.load(mesh.folder / "marts").by_id["model.crm.dim_customers"]
    assert (own.schema_name, there.schema_name) == ("crm", "stg_crm")
    assert there == own.model_copy(update={"schema_name": "stg_crm"})


def test_sources_lie_where_the_producer_does_in_each_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh = Mesh(tmp_path)
    give_environment(mesh)
    name_own_dbt(mesh)
    # What a shell has it set to is not what the product is compiled for.
    monkeypatch.setenv("FLOE_ENV", "staging")
    mesh.compile()
    [schema] = [
        node.schema_name
        for node in CompiledArtifacts.load(mesh.folder / "marts").nodes
        if node.unique_id == "source.marts.crm.dim_customers"
    ]
    monkeypatch.delenv("FLOE_ENV")
    source = mesh.artifacts("marts").by_id["source.marts.crm.dim_customers"]
    assert (source.schema_name, schema) == ("crm", "stg_crm")
    assert sources_of_dbt(mesh.folder / "marts") == {
        "dim_customers": '"mesh"."crm"."dim_customers"',
        "fct_invoices": '"mesh"."billing"."fct_invoices"',
    }
    assert sources_of_dbt(mesh.folder / "marts", FLOE_ENV="staging") == {
        "dim_customers": '"mesh"."stg_crm"."dim_customers"',
        "fct_invoices": '"mesh"."stg_billing"."fct_invoices"',
    }


def test_ports_of_one_producer_in_two_schemas_are_sources_in_two_schemas(tmp_path: Path) -> None:
    mesh = Mesh(tmp_path)
    name_own_dbt(mesh)
    mesh.write_model("crm", "leads", "{{ config(schema='sales') }} select 1 as lead_id")
    for product, old, new in (
        ("crm", "outputPorts:\n", "outputPorts:\n  - {name: leads}\n"),
        ("marts", "inputPorts:\n", "inputPorts:\n  - {product: crm, port: leads}\n"),
    ):
        file = mesh.folder / product / "floe.yaml"
        file.write_text(file.read_text().replace(old, new))
    mesh.write_model("marts", "leads_read", "select * from {{ source('crm', 'leads') }}")
    mesh.compile()
    assert sources_of_dbt(mesh.folder / "marts") == {
        "dim_customers": '"mesh"."crm"."dim_customers"',
        "fct_invoices": '"mesh"."billing"."fct_invoices"',
        "leads": '"mesh"."crm_sales"."leads"',
    }
