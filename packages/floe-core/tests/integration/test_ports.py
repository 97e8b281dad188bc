"""Ports at compile time: what is offered, what is read of it, and what is wrong with either."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from epochs import last_numbers, seen_without_epochs
from mesh_products import Mesh
from s3_server import BUCKET, s3_server
from typer.testing import CliRunner

from floe_console.mesh import read_mesh
from floe_core import plugin_registry
from floe_core.cli.main import app
from floe_core.compiler import compile_product
from floe_core.compiler.compile_product import prepare_product
from floe_core.compiler.ports.products import read_platform
from floe_core.execution import BuildEnded, BuildRequest, NodeResult, build
from floe_core.foundation.errors import InvalidProductError, NothingNewError
from floe_core.lineage import flush
from floe_core.ports.ledger import ledger_of
from floe_core.ports.watch import look
from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

CONTRACT = """\
models:
  - name: dim_customers
    config: {contract: {enforced: true}, materialized: table}
    columns:
      - {name: customer_id, data_type: integer}
      - {name: name, data_type: varchar}
"""
# dbt finds its plugins by the names of modules.
DBT_WITHOUT_FLOE = """\
import pkgutil

every = pkgutil.iter_modules
pkgutil.iter_modules = lambda *of: (each for each in every(*of) if each.name != "dbt_floe")
from dbt.cli.main import cli

cli()
"""


@pytest.fixture
def mesh(tmp_path: Path) -> Mesh:
    return Mesh(tmp_path)


def run(artifacts: CompiledArtifacts, run_id: str, **request: object) -> bool:
    events = list(build(artifacts, BuildRequest(artifacts.product.name, run_id, **request)))
    assert isinstance(events[-1], BuildEnded)
    return events[-1].succeeded


def problems_of(mesh: Mesh, product: str = "marts", **options: object) -> list[str]:
    with pytest.raises(InvalidProductError) as found:
        compile_product(mesh.folder / product, **options)
    return [str(problem) for problem in found.value.problems]


def edit(mesh: Mesh, product: str, old: str, new: str) -> None:
    file = mesh.folder / product / "floe.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def test_a_port_has_the_columns_of_its_sql_and_a_contract_its_types(mesh: Mesh) -> None:
    [port] = mesh.compile("crm")["crm"].ports
    assert [(c.name, c.type) for c in port.columns] == [
        ("customer_id", ""),
        ("name", ""),
        ("address", ""),
    ]
    assert port.is_complete
    (mesh.folder / "crm" / "models" / "properties.yml").write_text(CONTRACT)
    [port] = mesh.compile("crm")["crm"].ports
    assert [(c.name, c.type) for c in port.columns] == [
        ("customer_id", "integer"),
        ("name", "varchar"),
    ]
    assert port.is_complete


def test_a_product_reads_what_its_models_name_and_not_what_a_star_brings(mesh: Mesh) -> None:
    marts = mesh.compile()["marts"]
    read = {port.key: port.columns_read for port in marts.input_ports}
    assert read == {
        "crm/customers@1": ("customer_id", "name"),
        "billing/invoices@1": ("amount", "customer_id"),
    }
    customers = marts.by_id["model.crm.dim_customers"]
    assert (customers.resource_type, customers.port) == ("source", "crm/customers@1")
    assert customers.schema_name == "crm"


def test_a_product_passes_on_what_a_star_brings_to_its_own_port(mesh: Mesh) -> None:
    offered = "outputPorts: [{name: people, model: stg_customers}]\ninputPorts:"
    edit(mesh, "marts", "inputPorts:", offered)
    passed = {port.port: port.columns_passed_on for port in mesh.compile()["marts"].input_ports}
    assert passed == {"customers": ("address",), "invoices": ()}


@pytest.mark.parametrize(
    ("sql", "read"),
    [
        # The names before the dots are those of dbt's relations.
        ("select dim_customers.address from {{ ref('crm', 'dim_customers') }}", "address"),
        (
            "{{ config(materialized='incremental') }}\n"
            "select customer_id from {{ ref('crm', 'dim_customers') }}\n"
            "{% if is_incremental() %}\n"
            "where customer_id > (select max(customer_id) from {{ this }})\n"
            "{% endif %}",
            None,
        ),
    ],
)
def test_what_a_model_reads_of_a_port_by_other_names(
    mesh: Mesh, sql: str, read: str | None
) -> None:
    mesh.compile("crm", "billing")
    mesh.write_model("marts", "more", sql)
    customers = mesh.compile("marts")["marts"].input_ports[0]
    assert customers.columns_read == (*([read] if read else []), "customer_id", "name")


def test_a_column_that_a_test_names_in_quotes_is_read(mesh: Mesh) -> None:
    sql = "select 1 as customer_id, 'ada' as name, 'Ada B' as \"full name\""
    mesh.write_model("crm", "dim_customers", sql)
    mesh.write_model("marts", "everything", "select * from {{ ref('crm', 'dim_customers') }}")
    column = '{name: "full name", quote: true, data_tests: [unique]}'
    (mesh.folder / "marts" / "models" / "properties.yml").write_text(
        f"models: [{{name: everything, columns: [{column}]}}]\n"
    )
    marts = mesh.compile()["marts"]
    read = {port.key: port.columns_read for port in marts.input_ports}
    assert read["crm/customers@1"] == ("customer_id", "full name", "name")
    [test] = [node for node in marts.nodes if node.test_kind == "unique"]
    assert test.test_column == "full name"


def test_an_incremental_model_and_a_contract_do_not_let_a_star_pass_any_column(mesh: Mesh) -> None:
    mesh.compile("crm", "billing")
    star = "select * from {{ ref('crm', 'dim_customers') }}"
    config = "{{ config(materialized='incremental', on_schema_change='CHANGE') }}\n"
    found = {}
    for change in ("ignore", "fail", "append_new_columns"):
        mesh.write_model("marts", "kept", config.replace("CHANGE", change) + star)
        customers = mesh.compile("marts")["marts"].input_ports[0]
        found[change] = (customers.columns_read, customers.not_wanted)
    read = ("customer_id", "name")
    assert found == {
        "ignore": (("address", *read), ("amount",)),
        "fail": (("address", *read), None),
        "append_new_columns": (read, ("amount",)),
    }
    mesh.write_model("marts", "kept", star)
    (mesh.folder / "marts" / "models" / "p.yml").write_text(
        "models:\n  - {name: kept, config: {contract: {enforced: true}}, columns: "
        "[{name: customer_id, data_type: int}, {name: address, data_type: text}]}\n"
    )
    customers = mesh.compile("marts")["marts"].input_ports[0]
    assert (customers.columns_read, customers.not_wanted) == (("address", *read), None)


def test_a_schedule_that_cannot_be_read_is_a_problem_of_its_product_alone(mesh: Mesh) -> None:
    mesh.compile()
    file = mesh.folder / "crm" / "compiled_artifacts.json"
    fields = json.loads(file.read_text())
    fields["jobs"][0]["schedule"] = {"cron": "0 6 * * *", "timezone": "Europe/Atlantis"}
    file.write_text(json.dumps(fields))
    state = read_mesh(read_platform(mesh.folder / "manifest-crm.yaml"))
    problems = {each.name: each.problem for each in state.products}
    assert "no time zone named 'Europe/Atlantis'" in problems.pop("crm")
    assert problems == {"billing": "", "marts": ""}


def test_a_difference_names_the_products_that_it_could_not_check(mesh: Mesh) -> None:
    mesh.compile("crm", "billing")
    folder = str(mesh.folder / "crm")
    done = CliRunner().invoke(app, ["diff", folder, folder])
    notes = " ".join(done.stderr.split())
    assert notes == "product 'marts' was not checked, it may read the ports: it is not published"


def test_runs_write_updates_and_starts_and_plain_dbt_reads_the_same_tables(mesh: Mesh) -> None:
    products = mesh.compile()
    assert all(run(products[name], f"run of {name}") for name in ("crm", "billing", "marts"))
    with duckdb.connect(str(mesh.folder / "mesh.duckdb")) as warehouse:
        ours = warehouse.execute("from marts.revenue").fetchall()
        warehouse.execute("drop schema marts cascade")
    ledger = ledger_of(products["marts"])
    assert ledger is not None
    [start] = ledger.read("marts").starts["marts"]
    assert (start.run_id, seen_without_epochs(start.seen)) == (
        "run of marts",
        {"crm/customers@1": 1, "billing/invoices@1": 1},
    )
    # Plain dbt, which knows the ports by what compile left in the project's target.
    done = subprocess.run(
        [Path(sys.executable).with_name("dbt"), "build", "--profiles-dir", "."],
        cwd=mesh.folder / "marts",
        env={**os.environ, "FLOE_PROJECT_DIR": "."},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    with duckdb.connect(str(mesh.folder / "mesh.duckdb")) as warehouse:
        assert warehouse.execute("from marts.revenue").fetchall() == ours == [("ada", 10.5)]


def test_a_failed_run_updates_nothing_and_its_retry_updates_what_passed_before(mesh: Mesh) -> None:
    mesh.write_model("crm", "broken", "select 1 / {{ ref('dim_customers') }}")
    crm = mesh.compile("crm")["crm"]
    assert not run(crm, "r")
    ledger = ledger_of(crm)
    assert ledger is not None
    assert ledger.read("crm").updates == {}
    (mesh.folder / "crm" / "models" / "broken.sql").write_text("select 1 as id")
    assert run(mesh.compile("crm")["crm"], "r", attempt=2)
    assert [u.run_id for u in ledger.read("crm").updates["customers@1"]] == ["r"]


def test_only_a_port_whose_node_was_built_is_updated(mesh: Mesh) -> None:
    mesh.write_model("crm", "other", "select 1 as id")
    crm = mesh.compile("crm")["crm"]
    assert run(crm, "r", node_ids=("model.crm.other",))
    ledger = ledger_of(crm)
    assert ledger is not None
    assert ledger.read("crm").updates == {}


def test_a_run_of_a_few_nodes_has_not_seen_the_updates(mesh: Mesh) -> None:
    products = mesh.compile()
    assert run(products["crm"], "a")
    assert run(products["marts"], "b", node_ids=("model.marts.stg_customers",))
    ledger = ledger_of(products["marts"])
    assert ledger is not None
    assert ledger.read("marts").starts == {}


def test_a_second_run_for_the_same_updates_builds_nothing(mesh: Mesh) -> None:
    products = mesh.compile()
    assert run(products["crm"], "a")
    assert run(products["billing"], "a")
    ports = ("crm/customers@1", "billing/invoices@1")
    started_for = tuple(last_numbers(ledger_of(products["marts"]), *ports).items())
    assert run(products["marts"], "first", updates=started_for)
    with pytest.raises(NothingNewError, match="another run of marts has begun with the updates"):
        run(products["marts"], "second", updates=started_for)


def test_a_retry_of_a_run_that_ended_before_it_began_has_seen_its_updates(mesh: Mesh) -> None:
    """As that of a task whose worker was killed at its start."""
    products = mesh.compile()
    assert run(products["crm"], "a")
    assert run(products["billing"], "a")
    decision = look(products["marts"], "marts", datetime.now(UTC))
    started_for = tuple(decision.updates.items())
    assert run(products["marts"], "r", attempt=2, updates=started_for)
    decision = look(products["marts"], "marts", datetime.now(UTC))
    assert (decision.action, decision.updates) == ("wait", {})


def test_a_retry_is_not_refused_because_of_the_run_that_it_retries(mesh: Mesh) -> None:
    """Dagster and Prefect give it an id of its own; "Re-execute all" is a first attempt again."""
    products = mesh.compile()
    assert run(products["crm"], "a")
    assert run(products["billing"], "a")
    marts = products["marts"]
    started_for = tuple(look(marts, "marts", datetime.now(UTC)).updates.items())
    mesh.write_model("marts", "revenue", "select 1 / 'x' as amount")
    assert not run(mesh.compile("marts")["marts"], "first", updates=started_for)
    mesh.write_model("marts", "revenue", "select 1 as amount")
    marts = mesh.compile("marts")["marts"]
    for retry in ({"attempt": 2}, {"root_run_id": "first"}):
        assert run(marts, f"with {retry}", updates=started_for, **retry)


def test_a_retry_has_not_seen_what_came_after_the_run_that_it_retries_began(mesh: Mesh) -> None:
    """It may keep some of its results: of a microbatch model, it builds the failed batches."""
    products = mesh.compile()
    assert run(products["crm"], "a")
    assert run(products["billing"], "a")
    marts = products["marts"]
    assert run(marts, "first")
    assert run(products["crm"], "b")
    assert run(marts, "second", attempt=2, root_run_id="first")
    assert look(marts, "marts", datetime.now(UTC)).ports == ["crm/customers@1"]


def test_a_run_for_updates_of_a_restored_record_begins_once(mesh: Mesh) -> None:
    edit(mesh, "marts", "onUpdate: all", "onUpdate: any")
    products = mesh.compile()
    marts, ledger = products["marts"], ledger_of(products["marts"])
    assert ledger is not None
    assert all(run(products[name], f"run of {name}") for name in ("crm", "billing"))
    record = Path(ledger.place_of("crm"))
    backup = record.read_bytes()
    assert run(products["crm"], "another")
    assert run(marts, "before")
    assert look(marts, "marts", datetime.now(UTC)).action == "wait"
    record.write_bytes(backup)
    states = read_mesh(read_platform(mesh.folder / "manifest-crm.yaml")).products
    assert [job.is_due for each in states if each.name == "marts" for job in each.jobs] == [True]
    decision = look(marts, "marts", datetime.now(UTC))
    assert (decision.action, decision.ports) == ("run", ["crm/customers@1"])
    started_for = tuple(decision.updates.items())
    assert run(marts, "first", updates=started_for)
    with pytest.raises(NothingNewError, match="another run of marts has begun with the updates"):
        run(marts, "second", updates=started_for)
    assert look(marts, "marts", datetime.now(UTC)).action == "wait"
    assert run(products["crm"], "after")
    assert look(marts, "marts", datetime.now(UTC)).ports == ["crm/customers@1"]


def test_a_ledger_that_cannot_be_written_makes_a_run_fail(mesh: Mesh) -> None:
    crm = mesh.compile("crm")["crm"]
    (mesh.folder / "ledger").write_text("no folder")
    events = list(build(crm, BuildRequest("crm", "r")))
    assert isinstance(events[-1], BuildEnded)
    assert "updates of ports cannot be written" in events[-1].message


def test_a_column_that_a_port_lacks_is_an_error_where_it_stands(mesh: Mesh) -> None:
    mesh.compile("crm", "billing")
    mesh.write_model(
        "marts", "late", "select\n  c.nme\nfrom {{ ref('crm', 'dim_customers') }} as c"
    )
    [problem] = problems_of(mesh)
    assert problem.startswith(
        "models/late.sql:2:5: port 'customers' (version 1) of 'crm' has no column 'nme'"
    )
    assert problem.endswith("fix: did you mean 'name'?")


def test_so_is_one_that_a_star_would_have_brought(mesh: Mesh) -> None:
    mesh.write_model("crm", "dim_customers", "select 1 as customer_id, 'ada' as full_name")
    mesh.compile("crm", "billing")
    found = problems_of(mesh)
    assert any("models/revenue.sql:1" in each and "'name'" in each for each in found), found


def test_what_the_ports_of_floe_yaml_lack(mesh: Mesh) -> None:
    mesh.compile("crm", "billing")
    edit(mesh, "marts", "port: customers, version: 1", "port: custmers, version: 1")
    edit(mesh, "marts", "port: invoices", "port: invoices, version: 7")
    found = problems_of(mesh)
    assert "'crm' has no port 'custmers'\n" in found[0]
    assert "did you mean 'customers'?" in found[0]
    assert "port 'invoices' of 'billing' has no version 7" in found[1]


def test_expected_columns_and_types(mesh: Mesh) -> None:
    (mesh.folder / "crm" / "models" / "properties.yml").write_text(CONTRACT)
    mesh.write_model("crm", "dim_customers", "select 1 as customer_id, 'ada' as name")
    mesh.compile("crm", "billing")
    edit(mesh, "marts", "version: 1}", "version: 1, columns: {customer_id: int, name: bigint}}")
    [problem] = problems_of(mesh)
    assert (
        "column 'name' of port 'customers' (version 1) of 'crm' is varchar, not bigint" in problem
    )


def test_an_unpublished_producer_and_allow_missing(mesh: Mesh) -> None:
    mesh.compile("billing")
    [problem] = problems_of(mesh)
    assert "'crm' is not published" in problem
    assert "--allow-missing" in problem
    marts = prepare_product(mesh.folder / "marts", allows_missing=True).write()
    assert {port.key: port.columns_read for port in marts.input_ports} == {
        "crm/customers@1": None,
        "billing/invoices@1": ("amount", "customer_id"),
    }


@pytest.mark.parametrize(
    "ref",
    [
        "ref('crm', 'dim_customers', v=2)",
        "ref( \"crm\" , 'dim_customers', version='2' )",
        "ref('customer_project', 'dim-customers')",
    ],
)
def test_allow_missing_takes_any_ref_to_a_project_that_is_not_here(mesh: Mesh, ref: str) -> None:
    mesh.compile("billing")
    columns = "1 as customer_id, 'ada' as name"
    mesh.write_model("marts", "stg_customers", f"select {columns} from {{{{ {ref} }}}}")
    marts = prepare_product(mesh.folder / "marts", allows_missing=True).write()
    [unknown] = marts.by_id["model.marts.stg_customers"].depends_on
    assert unknown.startswith(f"model.{ref.split('(')[1].split(',')[0].strip()[1:-1]}.dim")


def test_ports_of_two_products_with_one_name_in_dbt(mesh: Mesh) -> None:
    project = mesh.folder / "billing" / "dbt_project.yml"
    project.write_text(project.read_text().replace("billing", "crm"))
    mesh.write_model("billing", "dim_customers", "select 1 as customer_id, 3 as amount")
    edit(mesh, "billing", "model: fct_invoices", "model: dim_customers")
    mesh.compile("crm", "billing")
    [problem] = problems_of(mesh)
    assert problem.startswith(
        "floe.yaml:7:30: port 'invoices' of 'billing' and port 'customers' of 'crm' are both "
        "model.crm.dim_customers in dbt"
    )


@pytest.mark.parametrize(
    "port", ["product: crm, port: custmers", "product: crm, port: customers, version: 3"]
)
def test_a_wrong_port_hides_no_other_problem_and_causes_none_in_dbt(mesh: Mesh, port: str) -> None:
    mesh.compile("crm", "billing")
    edit(mesh, "marts", "product: crm, port: customers, version: 1", port)
    edit(mesh, "marts", "inputPorts:\n", "transforms: [{name: nope}]\ninputPorts:\n")
    told = [each.partition("\n")[0] for each in problems_of(mesh)]
    assert len(told) == 2, told
    assert "unknown transform 'nope'" in told[0]
    assert "of 'crm' has no version" in told[1] or "'crm' has no port 'custmers'" in told[1]


def test_a_private_model_is_no_port(mesh: Mesh) -> None:
    (mesh.folder / "crm" / "models" / "properties.yml").write_text(
        "groups: [{name: g, owner: {name: o}}]\n"
        "models: [{name: dim_customers, config: {access: private, group: g}}]\n"
    )
    [problem] = problems_of(mesh, "crm")
    assert "offers model.crm.dim_customers, which is private in dbt" in problem


def test_other_entries_of_the_public_format_are_left_out_with_a_notice(mesh: Mesh) -> None:
    edit(mesh, "crm", "outputPorts:\n", "outputPorts:\n  - {name: events, type: kafka, topic: t}\n")
    notices: list[str] = []
    crm = compile_product(mesh.folder / "crm", on_notice=notices.append)
    assert [port.name for port in crm.ports] == ["customers"]
    assert any("outputPorts[0]" in each for each in notices)


def test_a_schedule_on_updates_needs_ports_and_a_ledger(mesh: Mesh) -> None:
    schedule = "schedule: {onUpdate: any, waitSeconds: 5}\n"
    schedule += "jobs: [{name: late, select: '*', schedule: {cron: '@daily', whenLate: skip}}]\n"
    edit(mesh, "billing", "outputPorts", f"{schedule}outputPorts")
    (mesh.folder / "manifest-billing.yaml").write_text(
        (mesh.folder / "manifest-billing.yaml").read_text().replace("ledger: ledger\n", "")
    )
    found = " ".join(problems_of(mesh, "billing"))
    assert "`onUpdate` needs a ledger" in found
    assert "reads no input port" in found
    assert "`waitSeconds` applies only to `onUpdate: all`" in found
    assert "`whenLate` applies only to `waitSeconds`, which is not here" in found


def test_a_duckdb_file_out_of_reach_is_an_error(tmp_path: Path) -> None:
    own = '{type: duckdb, config: {path: "{product_slug}.duckdb"}}'
    mesh = Mesh(tmp_path, compute=own)
    mesh.compile("crm", "billing")
    found = problems_of(mesh)
    assert "lies in the DuckDB database 'crm', which is not here" in found[0]


def test_a_duckdb_file_may_be_attached_in_capital_letters(tmp_path: Path) -> None:
    attach = '[{path: "../crm/crm.duckdb", alias: CRM}, {path: "../billing/Billing.duckdb"}]'
    path = "{product_slug}.duckdb"
    mesh = Mesh(tmp_path, compute=f'{{type: duckdb, config: {{path: "{path}", attach: {attach}}}}}')
    assert len(mesh.compile()["marts"].input_ports) == 2


def test_versions_of_a_model_are_versions_of_its_port(mesh: Mesh) -> None:
    models = mesh.folder / "crm" / "models"
    (models / "dim_customers.sql").unlink()
    for version, columns in ((1, "1 as customer_id, 'a' as name"), (2, "1 as customer_id, 2 as n")):
        mesh.write_model("crm", f"dim_customers_v{version}", f"select {columns}")
    (models / "p.yml").write_text(
        "models: [{name: dim_customers, latest_version: 2, versions: [{v: 1}, {v: 2}]}]\n"
    )
    edit(
        mesh,
        "crm",
        "version: 1}",
        "version: 1}\n  - {name: customers, model: dim_customers, version: 2}",
    )
    crm = mesh.compile("crm", "billing")["crm"]
    assert [(port.version, port.node_id) for port in crm.ports] == [
        ("1", "model.crm.dim_customers.v1"),
        ("2", "model.crm.dim_customers.v2"),
    ]
    marts = mesh.compile("marts")["marts"]
    assert marts.by_id["model.crm.dim_customers.v1"].identifier == "dim_customers_v1"


def write_versions(mesh: Mesh, latest: int) -> None:
    """Make the port's model one of three versions."""
    models = mesh.folder / "crm" / "models"
    (models / "dim_customers.sql").unlink()
    for version in (1, 2, 10):
        mesh.write_model("crm", f"dim_customers_v{version}", "select 1 as customer_id, 'a' as name")
    (models / "p.yml").write_text(
        f"models: [{{name: dim_customers, latest_version: {latest}, "
        "versions: [{v: 1}, {v: 2}, {v: 10}]}]\n"
    )


def test_a_model_without_its_version_is_the_one_that_dbt_calls_the_latest(mesh: Mesh) -> None:
    write_versions(mesh, latest=1)
    edit(mesh, "crm", "version: 1}", "version: 10}\n  - {model: dim_customers}")
    edit(mesh, "marts", "customers, version: 1}", "customers, version: 10}")
    edit(mesh, "marts", "inputPorts:", "inputPorts:\n  - {product: crm, port: dim_customers}")
    products = mesh.compile()
    assert [(port.version, port.node_id) for port in products["crm"].ports] == [
        ("10", "model.crm.dim_customers.v10"),
        ("1", "model.crm.dim_customers.v1"),
    ]
    # The model `stg_customers` refers to it without a version.
    staged = products["marts"].by_id["model.marts.stg_customers"]
    assert staged.depends_on == ("model.crm.dim_customers.v1",)


def test_a_port_of_a_version_that_dbt_does_not_have(mesh: Mesh) -> None:
    write_versions(mesh, latest=2)
    edit(mesh, "crm", "version: 1}", "version: 7}")
    [problem] = problems_of(mesh, "crm")
    assert "floe.yaml:6:5: output port: model 'dim_customers' has no version 7 in dbt" in problem
    assert problem.endswith(
        "write one that it has: 1, 2, 10; or name the model with its version: dim_customers.v2"
    )


def test_a_port_whose_model_dbt_does_not_build_says_why(mesh: Mesh) -> None:
    mesh.write_model("crm", "dim_customers", "{{ config(materialized='ephemeral') }} select 1 as a")
    mesh.write_model("crm", "off", "{{ config(enabled=false) }} select 1 as a")
    edit(mesh, "crm", "version: 1}", "version: 1}\n  - {model: off}")
    found = [problem.splitlines()[0] for problem in problems_of(mesh, "crm")]
    assert found == [
        "floe.yaml:6:5: output port: dim_customers is ephemeral in dbt, "
        "so it has no relation in the warehouse",
        "floe.yaml:7:5: output port: off is disabled in dbt",
    ]


@pytest.fixture(params=["memory", "s3"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "memory":
        yield "memory://published/crm"
        return
    with s3_server():
        yield f"s3://{BUCKET}/published/crm"


def test_published_artifacts_are_read_from_a_url(mesh: Mesh, url: str) -> None:
    from floe_core.compiler.publication import place_of_product, publish_to

    for product in ("crm", "billing", "marts"):
        file = mesh.folder / f"manifest-{product}.yaml"
        file.write_text(file.read_text().replace("crm: crm", f"crm: '{url}'"))
    mesh.compile("billing")
    compiled = prepare_product(mesh.folder / "crm")
    compiled.write()
    assert publish_to(place_of_product(compiled.inputs), compiled) == [
        f"{url}/versions/1.0.0/compiled_artifacts.json",
        f"{url}/compiled_artifacts.json",
    ]
    assert mesh.compile("marts")["marts"].by_id["model.crm.dim_customers"].port


def test_a_bucket_that_is_not_there_is_told(mesh: Mesh) -> None:
    manifest = mesh.folder / "manifest-crm.yaml"
    manifest.write_text(manifest.read_text().replace("crm: crm", "crm: s3://publishd/crm"))
    with s3_server() as server:
        done = CliRunner().invoke(app, ["compile", str(mesh.folder / "crm"), "--publish"])
    assert str(done.exception) == (
        "s3://publishd/crm: it cannot be written "
        "(FileNotFoundError: The specified bucket does not exist)"
    )
    assert ("PUT", "/publishd") not in server.requests


@pytest.mark.parametrize("place", ["{{ env_var('PUBLISHED') }}/crm", "~/crm"])
def test_a_place_may_name_a_variable_or_the_home_folder(
    mesh: Mesh, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PUBLISHED", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "published"))
    manifest = mesh.folder / "manifest-crm.yaml"
    manifest.write_text(manifest.read_text().replace("crm: crm", f'crm: "{place}"'))
    command = ["compile", str(mesh.folder / "crm"), "--publish"]
    assert CliRunner().invoke(app, command).exit_code == 0
    assert (tmp_path / "published" / "crm" / "compiled_artifacts.json").is_file()
    if "PUBLISHED" in place:
        monkeypatch.delenv("PUBLISHED")
        told = str(CliRunner().invoke(app, command).exception)
        assert told.startswith("products of the manifest: ")
        assert "PUBLISHED" in told


def test_a_product_is_not_published_over_another_one(mesh: Mesh) -> None:
    mesh.compile("billing")
    before = (mesh.folder / "billing" / "compiled_artifacts.json").read_bytes()
    manifest = mesh.folder / "manifest-crm.yaml"
    manifest.write_text(manifest.read_text().replace("crm: crm", "crm: local://billing"))
    done = CliRunner().invoke(app, ["compile", str(mesh.folder / "crm"), "--publish"])
    assert done.exit_code == 1
    assert "manifest-crm.yaml:7:17: 'crm' would replace the product 'billing'" in str(
        done.exception
    )
    assert (mesh.folder / "billing" / "compiled_artifacts.json").read_bytes() == before
    assert not (mesh.folder / "crm" / "compiled_artifacts.json").exists()


def test_artifacts_are_the_same_bytes_each_time(mesh: Mesh) -> None:
    mesh.compile()
    files = ("compiled_artifacts.json", "target/manifest.json", "target/upstream_ports.json")
    before = [(mesh.folder / "marts" / name).read_bytes() for name in files]
    mesh.compile("marts")
    assert before == [(mesh.folder / "marts" / name).read_bytes() for name in files]


def test_products_that_would_read_each_other_in_a_circle(mesh: Mesh) -> None:
    mesh.compile()
    edit(mesh, "crm", "outputPorts:", "inputPorts: [{product: marts, port: r}]\noutputPorts:")
    edit(mesh, "marts", "inputPorts:", "outputPorts: [{name: r, model: revenue}]\ninputPorts:")
    mesh.compile("marts")
    [problem] = problems_of(mesh, "crm")
    assert "form a cycle: crm -> marts -> crm" in problem


def test_lineage_of_both_products_has_one_name_for_the_port(mesh: Mesh) -> None:
    events = mesh.folder / "events.jsonl"
    backend = (
        "  lineage_backend: {type: openlineage, config: "
        f"{{type: file, log_file_path: '{events}', append: true}}}}\nproducts:"
    )
    for product in ("crm", "billing", "marts"):
        file = mesh.folder / f"manifest-{product}.yaml"
        file.write_text(file.read_text().replace("products:", backend))
    products, ports = mesh.compile(), ["crm/customers@1"]
    for name in ("crm", "billing", "marts"):
        updates = last_numbers(ledger_of(products[name]), *ports) if name == "marts" else {}
        assert run(products[name], name, updates=tuple(updates.items()))
        flush(products[name].folder, products[name].lineage, 60.0)
    told = [json.loads(line) for line in events.read_text().splitlines()]
    ends = {each["job"]["name"]: each for each in told if each["eventType"] == "COMPLETE"}

    def names(datasets: list[dict[str, str]]) -> set[tuple[str, str]]:
        return {(each["namespace"], each["name"]) for each in datasets}

    offered = names(ends["crm.model.dim_customers"]["outputs"])
    assert offered == {("duckdb://mesh", "mesh.crm.dim_customers")}
    assert names(ends["marts.model.stg_customers"]["inputs"]) == offered
    fields = ends["marts.model.stg_customers"]["outputs"][0]["facets"]["columnLineage"]["fields"]
    [origin] = fields["address"]["inputFields"]
    assert (origin["name"], origin["field"]) == ("mesh.crm.dim_customers", "address")
    before = ends["marts"]["run"]["facets"]["jobDependencies"]["upstream"]
    assert {each["job"]["name"]: each["dependency_type"] for each in before} == {
        "crm": "DIRECT_INVOCATION",
        "billing": "IMPLICIT_DEPENDENCY",
    }
    for each in before:
        assert each["run"]["runId"] == ends[each["job"]["name"]]["run"]["runId"]


def give_own_dbt(mesh: Mesh) -> Path:
    """Name a dbt for marts that has never heard of floe, and return it."""
    dbt = mesh.folder / "dbt"
    dbt.write_text(f"#!{sys.executable}\n{DBT_WITHOUT_FLOE}")
    dbt.chmod(0o755)
    edit(mesh, "marts", "inputPorts:", f"execution: {{dbtExecutable: '{dbt}'}}\ninputPorts:")
    return dbt


def test_a_dbt_without_floes_plugin_reads_ports_as_sources(mesh: Mesh) -> None:
    mesh.compile("crm", "billing")
    dbt = give_own_dbt(mesh)
    for name in ("stg_customers", "revenue"):
        model = mesh.folder / "marts" / "models" / f"{name}.sql"
        model.write_text(re.sub(r"ref\((?='\w+', )", "source(", model.read_text()))
    artifacts = mesh.compile("marts")["marts"]
    read = {
        port.key: (port.node_id, set(port.columns_read or ())) for port in artifacts.input_ports
    }
    assert read == {
        "crm/customers@1": ("source.marts.crm.dim_customers", {"customer_id", "name"}),
        "billing/invoices@1": ("source.marts.billing.fct_invoices", {"customer_id", "amount"}),
    }
    # dbt by itself, in a place of its own, is the truth.
    for product in ("crm", "billing"):
        assert run(mesh.artifacts(product), product)
    command = [dbt, "build", "--profiles-dir", ".", "--target-path", "of-dbt"]
    environment = {**os.environ, "FLOE_PROJECT_DIR": "."}
    marts = mesh.folder / "marts"
    subprocess.run(command, cwd=marts, env=environment, check=True, capture_output=True)
    results = json.loads((marts / "of-dbt" / "run_results.json").read_text())["results"]
    built = rows(mesh, "marts.revenue")
    with duckdb.connect(str(mesh.folder / "mesh.duckdb")) as warehouse:
        warehouse.execute("drop schema marts cascade")
    events = list(build(artifacts, BuildRequest("marts", "c")))
    statuses = {each.unique_id: each.status for each in events if isinstance(each, NodeResult)}
    assert statuses == {each["unique_id"]: each["status"] for each in results}
    assert rows(mesh, "marts.revenue") == built == [("ada", Decimal("10.5"))]
    ledger = ledger_of(artifacts)
    assert ledger is not None
    assert seen_without_epochs(ledger.read("marts").updates_seen_by("marts")) == {
        "crm/customers@1": 1,
        "billing/invoices@1": 1,
    }


def rows(mesh: Mesh, table: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(mesh.folder / "mesh.duckdb"), read_only=True) as warehouse:
        return warehouse.execute(f"from {table}").fetchall()


def test_a_ref_that_such_a_dbt_cannot_know_is_told_with_the_source(mesh: Mesh) -> None:
    mesh.compile("crm", "billing")
    give_own_dbt(mesh)
    [problem] = problems_of(mesh)
    assert "(models/stg_customers.sql) depends on a node named 'dim_customers'" in problem
    assert problem.endswith(
        "fix: this dbt lacks floe's plugin; read an input port by {{ source('crm', 'dim_customers') }}"
    )


def test_a_dbt_of_the_products_own_that_has_the_plugin_reads_both_ways(mesh: Mesh) -> None:
    mesh.compile("crm", "billing")
    dbt = Path(sys.executable).with_name("dbt")
    edit(mesh, "marts", "inputPorts:", f"execution: {{dbtExecutable: '{dbt}'}}\ninputPorts:")
    source = "select customer_id, name from {{ source('crm', 'dim_customers') }}"
    mesh.write_model("marts", "stg_customers", source)
    products = {**mesh.compile("marts"), "crm": mesh.artifacts("crm")}
    read = {port.key: (port.node_id, port.columns_read) for port in products["marts"].input_ports}
    assert read == {
        "crm/customers@1": ("source.marts.crm.dim_customers", ("customer_id", "name")),
        "billing/invoices@1": ("model.billing.fct_invoices", ("amount", "customer_id")),
    }
    assert products["marts"].by_id["source.marts.crm.dim_customers"].port == "crm/customers@1"
    assert run(products["crm"], "a")
    assert run(mesh.artifacts("billing"), "b")
    assert run(products["marts"], "c")


def test_a_file_of_the_teams_own_is_not_replaced(mesh: Mesh) -> None:
    mesh.compile("crm", "billing")
    file = mesh.folder / "marts" / "models" / "floe_upstream_ports.yml"
    file.write_text("version: 2\n")
    edit(mesh, "marts", "inputPorts:", "execution: {dbtExecutable: dbt}\ninputPorts:")
    [problem] = problems_of(mesh)
    assert "is not floe's" in problem
    assert file.read_text() == "version: 2\n"


def test_a_plugin_that_starts_nothing_on_updates_is_told_so(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh.compile("crm", "billing")
    plain = type(plugin_registry.load("plain", {}))
    left = {name: each for name, each in vars(plain).items() if name != "update_watcher"}
    bare = type("Bare", plain.__bases__, {k: v for k, v in left.items() if k[:2] != "__"})
    monkeypatch.setattr(sys.modules[plain.__module__], "Plugin", bare)
    [problem] = problems_of(mesh)
    assert "nothing starts marts when ports are updated" in problem
    edit(mesh, "marts", "inputPorts:", "waivers: [schedule]\ninputPorts:")
    notices: list[str] = []
    compile_product(mesh.folder / "marts", on_notice=notices.append)
    assert any(each.startswith("waived on plain: schedule") for each in notices)


def test_a_port_whose_rows_are_the_same_rebuilds_nothing(mesh: Mesh) -> None:
    edit(mesh, "marts", "inputPorts:", "execution: {reuse: unchanged}\ninputPorts:")
    products = mesh.compile()

    def statuses(run_id: str) -> set[str]:
        events = list(build(products["marts"], BuildRequest("marts", run_id)))
        return {event.status for event in events if isinstance(event, NodeResult)}

    assert run(products["crm"], "a")
    assert run(products["billing"], "a")
    assert statuses("first") == {"success"}
    assert run(products["crm"], "b"), "the same rows again"
    assert statuses("second") == {"reused"}
    # What no update tells of: the port is built, and the run fails.
    mesh.write_model(
        "crm", "dim_customers", "select 1 as customer_id, 'bo' as name, 'x' as address"
    )
    mesh.write_model("crm", "broken", "select 1 / 'x' as n from {{ ref('dim_customers') }}")
    assert not run(mesh.compile("crm")["crm"], "c")
    assert statuses("third") == {"success"}
    with duckdb.connect(str(mesh.folder / "mesh.duckdb")) as warehouse:
        assert warehouse.execute("select name from marts.revenue").fetchall() == [("bo",)]


def test_the_store_of_schedules_that_a_published_product_names_is_not_followed(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_READER", "postgresql://reader:secret@127.0.0.1:1/none")
    mesh.compile()
    file = mesh.folder / "crm" / "compiled_artifacts.json"
    fields = json.loads(file.read_text())
    fields["orchestrator"]["config"] = {"schedule_store": "env:OF_THE_READER"}
    file.write_text(json.dumps(fields))
    states = read_mesh(read_platform(mesh.folder / "manifest-crm.yaml")).products
    assert [each.problem for each in states if each.name == "crm"] == [""]


def test_a_damaged_record_hides_no_others_of_a_mesh(mesh: Mesh) -> None:
    products = mesh.compile()
    assert all(run(products[name], name) for name in ("crm", "billing", "marts"))
    damaged = [mesh.folder / "ledger" / f"{name}.json" for name in ("crm", "marts")]
    for record in damaged:
        record.write_text("{")
    state = read_mesh(read_platform(mesh.folder / "manifest-marts.yaml"))
    assert all(f"{record}: is not a ledger record" in state.problem for record in damaged)
    updated = {each.name: [bool(p.last_update) for p in each.ports] for each in state.products}
    assert (updated["crm"], updated["billing"]) == ([False], [True])
    unknown = {each.name: [bool(p.unknown) for p in each.ports] for each in state.products}
    assert (unknown["crm"], unknown["billing"]) == ([True], [False])


def test_with_a_ledger_that_is_away_a_mesh_does_not_know_what_is_due(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    products = mesh.compile()
    assert all(run(products[name], name) for name in ("crm", "billing"))
    platform = str(mesh.folder / "manifest-marts.yaml")

    def told() -> tuple[str, str]:
        done = CliRunner().invoke(app, ["mesh", platform], catch_exceptions=False)
        lines = [line.strip("│├└─ ") for line in done.stdout.splitlines()]
        return (
            next(line for line in lines if line.startswith("offers crm/customers@1")),
            next(line for line in lines if line.startswith("job marts")),
        )

    offered, job = told()
    assert " updated 20" in offered
    assert "is due" in job
    away = mesh.folder / "away"
    monkeypatch.setenv("FLOE_LEDGER", str(away))
    offered, job = told()
    assert offered.endswith("last update unknown")
    assert job.endswith("whether it is due is unknown")
    assert not away.exists()


def test_a_place_that_holds_another_product_is_a_problem(mesh: Mesh) -> None:
    mesh.compile("crm", "billing")
    file = mesh.folder / "manifest-crm.yaml"
    file.write_text(file.read_text().replace("crm: crm,", "crm: billing,"))
    states = read_mesh(read_platform(file)).products
    problems = {each.name: each.problem for each in states}
    assert problems["crm"] == f"{mesh.folder / 'billing'} holds the product 'billing'"
    assert problems["billing"] == ""


def test_the_state_of_a_mesh_has_the_pause_of_a_job(mesh: Mesh) -> None:
    products = mesh.compile()
    assert all(run(products[name], name) for name in ("crm", "billing"))
    platform = str(mesh.folder / "manifest-marts.yaml")

    def shown() -> tuple[bool, bool, bool]:
        done = CliRunner().invoke(app, ["mesh", platform, "--json"], catch_exceptions=False)
        [marts] = [e for e in json.loads(done.stdout)["products"] if e["name"] == "marts"]
        [job] = marts["jobs"]
        text = CliRunner().invoke(app, ["mesh", platform], catch_exceptions=False).stdout
        return job["is_due"], job["is_paused"], "paused" in text

    assert shown() == (True, False, False)
    schedules = JobSchedules(products["marts"])
    schedules.pause("marts")
    assert shown() == (False, True, True)
    listed = ["schedule", "list", str(mesh.folder / "marts")]
    told = CliRunner().invoke(app, listed, catch_exceptions=False).stdout
    assert "marts: on update of all ports (" in told
    assert told.rstrip().endswith(", paused")
    schedules.resume("marts")
    assert shown() == (True, False, False)


def test_the_state_of_a_mesh_has_the_schedules_that_are_set(mesh: Mesh) -> None:
    JobSchedules(mesh.compile("crm")["crm"]).set("crm", "0 6 * * *", "UTC")
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    states = {
        each.name: each for each in read_mesh(read_platform(mesh.folder / "crm"), now).products
    }
    [job] = states["crm"].jobs
    assert (job.schedule, job.next_tick) == (
        "0 6 * * * in UTC",
        datetime(2026, 3, 2, 6, tzinfo=UTC),
    )


def test_a_port_that_is_read_and_no_longer_offered_is_marked(mesh: Mesh) -> None:
    mesh.compile("crm", "billing", "marts")
    place = str(mesh.folder / "crm")

    def not_offered() -> dict[str, list[str]]:
        shown = json.loads(CliRunner().invoke(app, ["mesh", place, "--json"]).stdout)
        return {each["name"]: each["not_offered"] for each in shown["products"]}

    assert not_offered() == {"crm": [], "billing": [], "marts": []}
    floe = mesh.folder / "crm" / "floe.yaml"
    floe.write_text(floe.read_text().partition("outputPorts:")[0])
    mesh.compile("crm")
    key = "crm/customers@1"
    assert not_offered() == {"crm": [], "billing": [], "marts": [key]}
    assert f"reads {key} (no longer offered)" in CliRunner().invoke(app, ["mesh", place]).output


def test_the_page_of_a_mesh_is_written_into_a_new_folder(mesh: Mesh) -> None:
    page = mesh.folder / "pages" / "mesh.html"
    done = CliRunner().invoke(app, ["mesh", str(mesh.folder / "crm"), "--html", str(page)])
    assert done.exit_code == 0, done.output
    assert page.read_text().startswith("<!doctype html>")
