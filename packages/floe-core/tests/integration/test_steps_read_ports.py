"""Steps that read ports: edges, lineage, what breaks them, and names that are none."""

from __future__ import annotations

import json
import sys

import pytest
from epochs import seen_without_epochs
from mesh_products import Mesh

from floe_core.compiler import compile_product
from floe_core.compiler.compile_product import prepare_product
from floe_core.execution import BuildEnded, BuildRequest, build
from floe_core.foundation.errors import InvalidProductError
from floe_core.lineage import flush
from floe_core.ports.ledger import ledger_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

EVENTS = "{type: openlineage, config: {type: file, log_file_path: 'PATH', append: true}}"


def write_mesh(mesh: Mesh, *reads: str, more: str = "") -> None:
    """Give `marts` a step that reads; its models read the port of billing alone."""
    command = f"[{sys.executable}, -c, '']"
    steps = f"steps: [{{name: export, command: {command}, reads: {list(reads)}}}]\n"
    file = mesh.folder / "marts" / "floe.yaml"
    file.write_text(file.read_text() + steps + more)
    (mesh.folder / "marts" / "models" / "stg_customers.sql").unlink()
    mesh.write_model("marts", "revenue", "select amount from {{ ref('billing', 'fct_invoices') }}")


def run(artifacts: CompiledArtifacts) -> None:
    name = artifacts.product.name
    end = list(build(artifacts, BuildRequest(name, f"run of {name}")))[-1]
    assert isinstance(end, BuildEnded)
    assert end.succeeded


@pytest.mark.parametrize("name", ["crm.customers", "crm/customers@1"])
def test_a_port_is_above_the_step_that_reads_it(tmp_path, name: str) -> None:
    mesh = Mesh(tmp_path)
    write_mesh(mesh, name, "revenue")
    mesh.compile("crm", "billing")
    notices: list[str] = []
    marts = compile_product(mesh.folder / "marts", on_notice=notices.append)
    assert marts.by_id["step.marts.export"].depends_on == (
        "model.crm.dim_customers",
        "model.marts.revenue",
    )
    # A step may read any column, so each that is dropped breaks it.
    assert {port.key: port.columns_read for port in marts.input_ports} == {
        "crm/customers@1": None,
        "billing/invoices@1": ("amount",),
    }
    assert not [each for each in notices if "no node reads" in each]


def test_its_runs_see_the_updates_and_lineage_names_the_table(tmp_path) -> None:
    mesh = Mesh(tmp_path)
    write_mesh(mesh, "crm.customers")
    events = tmp_path / "events.jsonl"
    for product in ("crm", "billing", "marts"):
        file = mesh.folder / f"manifest-{product}.yaml"
        backend = f"  lineage_backend: {EVENTS.replace('PATH', str(events))}\nproducts:"
        file.write_text(file.read_text().replace("products:", backend))
    products = mesh.compile()
    for artifacts in products.values():
        run(artifacts)
        flush(artifacts.folder, artifacts.lineage, 60.0)
    told = [json.loads(line) for line in events.read_text().splitlines()]
    ends = {each["job"]["name"]: each for each in told if each["eventType"] == "COMPLETE"}
    [read] = ends["marts.step.export"]["inputs"]
    [offered] = ends["crm.model.dim_customers"]["outputs"]
    assert (read["namespace"], read["name"]) == (offered["namespace"], offered["name"])
    ledger = ledger_of(products["marts"])
    assert ledger is not None
    [start] = ledger.read("marts").starts["marts"]
    assert seen_without_epochs(start.seen) == {"crm/customers@1": 1, "billing/invoices@1": 1}


def test_a_job_of_the_step_alone_is_started_by_the_port_that_it_reads(tmp_path) -> None:
    mesh = Mesh(tmp_path)
    jobs = "jobs: [{name: exports, select: export, schedule: {onUpdate: any}}]\n"
    write_mesh(mesh, "crm.customers", more=jobs)
    trigger = mesh.compile()["marts"].job("exports").trigger
    assert trigger is not None
    assert trigger.ports == ("crm/customers@1",)


def test_what_is_no_port_is_an_error_with_what_was_meant(tmp_path) -> None:
    mesh = Mesh(tmp_path)
    write_mesh(mesh, "crm.custmers")
    mesh.compile("crm", "billing")
    with pytest.raises(InvalidProductError) as found:
        compile_product(mesh.folder / "marts")
    [problem] = [str(each) for each in found.value.problems]
    assert (
        "'crm.custmers' is not a dbt node, source or input port, and no step writes it" in problem
    )
    assert problem.endswith("fix: did you mean 'crm.customers'?")


def test_of_two_versions_the_key_says_which(tmp_path) -> None:
    mesh = Mesh(tmp_path)
    models = mesh.folder / "crm" / "models"
    (models / "dim_customers.sql").unlink()
    for version in (1, 2):
        mesh.write_model("crm", f"dim_customers_v{version}", "select 1 as customer_id")
    (models / "p.yml").write_text(
        "models: [{name: dim_customers, latest_version: 2, versions: [{v: 1}, {v: 2}]}]\n"
    )
    offered = "  - {name: customers, model: dim_customers, version: 2}\n"
    read = "  - {product: crm, port: customers, version: 2}\n"
    for product, head, new in (
        ("crm", "outputPorts:\n", offered),
        ("marts", "inputPorts:\n", read),
    ):
        old, new = head, head + new
        file = mesh.folder / product / "floe.yaml"
        file.write_text(file.read_text().replace(old, new))
    write_mesh(mesh, "crm/customers@2")
    marts = mesh.compile()["marts"]
    assert marts.by_id["step.marts.export"].depends_on == ("model.crm.dim_customers.v2",)
    file = mesh.folder / "marts" / "floe.yaml"
    file.write_text(file.read_text().replace("crm/customers@2", "crm.customers"))
    with pytest.raises(InvalidProductError, match="did you mean 'crm/customers@"):
        compile_product(mesh.folder / "marts")


def test_a_port_that_is_not_published_may_be_missing_for_a_step_as_well(tmp_path) -> None:
    mesh = Mesh(tmp_path)
    write_mesh(mesh, "crm.customers")
    mesh.compile("billing")
    marts = prepare_product(mesh.folder / "marts", allows_missing=True).write()
    assert marts.by_id["step.marts.export"].depends_on == ()
