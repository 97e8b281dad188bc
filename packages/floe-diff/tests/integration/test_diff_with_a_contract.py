"""`floe diff CONTRACT PRODUCT`: what a product's ports keep of a data contract.

Documents are checked with the standard's own model. The truth about columns is the table that
plain dbt builds, as DuckDB describes it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from mesh_products import Mesh
from open_data_contract_standard.model import OpenDataContractStandard
from warm_floe import dbt, floe

PROPERTIES = """\
models:
  - name: dim_customers
    config: {contract: {enforced: true}}
    columns:
      - {name: customer_id, data_type: integer, data_tests: [not_null, unique]}
      - {name: name, data_type: varchar, data_tests: [{not_null: {config: {severity: warn}}}]}
      - {name: address, data_type: varchar}
"""
# As another team would write it: other keys of the standard, no types of floe's own documents.
BY_HAND = """\
apiVersion: v3.0.2
kind: DataContract
id: 53581432-6c55-4ba2-a65f-72344a91553b
name: customers of the shop
version: 1.0.0
status: active
domain: sales
tenant: acme
team:
  - {username: ada, role: owner}
servers:
  - {server: production, type: TYPE, account: acme, database: shop, schema: crm}
schema:
  - name: dim_customers
    physicalType: table
    businessName: Customers
    dataGranularityDescription: one row for each customer
    quality:
      - {type: text, description: Customers are never deleted.}
    properties:
COLUMNS
slaProperties:
  - {property: latency, value: 4, unit: d}
"""


@pytest.fixture(scope="module")
def crm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile a product with a port, and return its folder."""
    mesh = Mesh(tmp_path_factory.mktemp("mesh") / "mesh", "dagster")
    (mesh.folder / "crm" / "models" / "properties.yml").write_text(PROPERTIES)
    mesh.compile("crm")
    return mesh.folder / "crm"


def by_hand(folder: Path, columns: list[dict[str, Any]], kind: str = "duckdb", **more: Any) -> Path:
    """Write a document that the standard accepts, and return its path."""
    text = BY_HAND.replace("TYPE", kind)
    lines = "\n".join(f"      - {json.dumps(column)}" for column in columns)
    document = {**yaml.safe_load(text.replace("COLUMNS", lines)), **more}
    OpenDataContractStandard.model_validate(document)
    path = folder / "contract.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def differences(contract: Path | str, product: Path, *options: str) -> tuple[int, list[str]]:
    done = floe("diff", contract, product, "--json", *options)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    told = [f"{each['what']}{'!' if each['breaks'] else ''}" for each in found["ports"]]
    return done.returncode, told


def test_the_contract_of_a_port_is_what_the_port_is(crm: Path, tmp_path: Path) -> None:
    done = floe("mesh", crm.parent / "manifest-crm.yaml", "--contracts", tmp_path)
    assert done.returncode == 0, done.stderr
    contract = tmp_path / "crm.customers.v1.odcs.yaml"
    options = ("--exit-code", "--fail-on-breaking")
    assert differences(contract, crm, *options) == (0, [])
    done = floe("diff", contract, crm)
    assert done.stdout == "## crm/customers@1 1.0.0 and crm 1.0.0\n\nNothing differs.\n\n"


def test_a_contract_is_read_from_a_url(crm: Path, tmp_path: Path) -> None:
    path = by_hand(tmp_path, [{"name": "CUSTOMER_ID"}])
    assert differences(f"file://{path}", crm)[1] == differences(path, crm)[1]
    done = floe("diff", f"file://{tmp_path}/none.yaml", crm)
    assert (
        done.returncode,
        "none.yaml: there is no such object" in " ".join(done.stderr.split()),
    ) == (2, True)


COLUMNS = [
    {"name": "customer_id", "physicalType": "int4", "required": True, "unique": True},
    {"name": "name", "physicalType": "VARCHAR", "logicalType": "string"},
    {"name": "address", "logicalType": "string"},
]


@pytest.mark.parametrize(
    ("place", "change", "expected"),
    [
        (0, {}, []),
        (0, {"physicalType": "bigint"}, ["column customer_id: bigint -> integer!"]),
        (0, {"physicalType": None, "logicalType": "number"}, []),
        (0, {"logicalType": "date", "physicalType": None}, ["column customer_id: date -> integer"]),
        (0, {"primaryKey": True}, []),
        (0, {"physicalName": "id"}, ["column id dropped!", "column customer_id added"]),
        (1, {"required": True}, ["column name: required -> may be null!"]),
        (1, {"primaryKey": True}, ["may be null!", "column name: unique -> may repeat!"]),
        (2, {"unique": True}, ["column address: unique -> may repeat!"]),
        (2, {"name": "street"}, ["column street dropped!", "column address added"]),
    ],
)
def test_what_a_port_does_not_keep_of_a_contract(
    crm: Path, tmp_path: Path, place: int, change: dict[str, Any], expected: list[str]
) -> None:
    columns = [dict(column) for column in COLUMNS]
    columns[place] = {k: v for k, v in {**columns[place], **change}.items() if v is not None}
    contract = by_hand(tmp_path, columns)
    code, told = differences(contract, crm, "--fail-on-breaking")
    assert len(told) == len(expected), told
    assert all(text.removesuffix("!") in found for text, found in zip(expected, told, strict=True))
    assert code == any(found.endswith("!") for found in told)
    assert differences(contract, crm, "--exit-code")[0] == bool(expected)
    assert differences(contract, crm)[0] == 0


def test_types_of_another_warehouse_are_compared_by_what_they_hold(
    crm: Path, tmp_path: Path
) -> None:
    columns = [
        {"name": "customer_id", "physicalType": "NUMBER(38, 0)"},
        {"name": "name", "physicalType": "TIMESTAMP_NTZ"},
        {"name": "address", "physicalType": "TEXT"},
    ]
    told = differences(by_hand(tmp_path, columns, "snowflake"), crm)[1]
    assert told == ["column name: timestamp -> string (varchar)!"]


def test_missing_and_new_columns_are_those_of_the_built_table(crm: Path, tmp_path: Path) -> None:
    built = dbt(
        "build", "--project-dir", crm, "--profiles-dir", crm, "--target-path", tmp_path, cwd=crm
    )
    assert built.returncode == 0, built.stdout
    with duckdb.connect(str(crm.parent / "mesh.duckdb"), read_only=True) as connection:
        rows = connection.execute("describe crm.dim_customers").fetchall()
    there = {name for name, *_ in rows}
    for promised in ({"customer_id", "name", "address"}, {"name"}, {"name", "birthday", "city"}):
        told = differences(by_hand(tmp_path, [{"name": each} for each in promised]), crm)[1]
        expected = {f"column {name} dropped!" for name in promised - there}
        assert set(told) == expected | {f"column {name} added" for name in there - promised}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"schema": [{"name": "orders", "properties": COLUMNS}]}, "no port has this name; the"),
        ({"schema": [{"name": "customers", "properties": COLUMNS}]}, ""),
        (
            {"schema": [{"name": "x", "physicalName": "CRM.dim_customers", "properties": COLUMNS}]},
            "",
        ),
        ({"id": "crm/customers@1", "schema": [{"name": "x", "properties": COLUMNS}]}, ""),
    ],
)
def test_a_relation_is_found_by_id_or_name(
    crm: Path, tmp_path: Path, more: dict[str, Any], expected: str
) -> None:
    told = differences(by_hand(tmp_path, COLUMNS, **more), crm)[1]
    assert [text.startswith(expected) for text in told] == ([True] if expected else [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [1,", "contract.yaml:1:"),
        ("- a list", "the file"),
        (
            "dataContractSpecification: 1.1.0\nid: x\ninfo: {title: t, version: 1.0.0}\n",
            "contract.yaml:1:1: this is a Data Contract Specification, not an Open Data Contract",
        ),
        (
            "apiVersion: v9.0.0\nkind: DataProduct\nschema: []\n",
            "kind 'DataProduct' is not a contract",
        ),
        (
            "apiVersion: v9.0.0\nkind: DataProduct\nschema: []\n",
            "contract.yaml:1:13: apiVersion 'v9.0.0' of the standard is not known here",
        ),
        ("apiVersion: v3.1.0\nkind: DataContract\n", "the file lacks the key 'schema'"),
        ("apiVersion: v3.1.0\nkind: DataContract\nschema: []\n", "the schema has no relation"),
        (
            "apiVersion: v3.1.0\nkind: DataContract\nschema: [{name: a}, {name: b}]\n",
            "b has no properties, so it promises no column",
        ),
        (
            "apiVersion: v3.1.0\nkind: DataContract\nschema:\n"
            "  - {name: a, properties: [{name: b}, {name: B, required: 'yes'}]}\n",
            "schema.0.properties.1.required: 'yes' is no true or false",
        ),
        (
            "apiVersion: v3.1.0\nkind: DataContract\nschema:\n"
            "  - {name: a, properties: [{name: b}, {name: B}]}\n",
            "a has two columns B",
        ),
    ],
)
def test_a_document_that_is_no_contract_is_refused(
    crm: Path, tmp_path: Path, text: str, expected: str
) -> None:
    (tmp_path / "contract.yaml").write_text(text)
    done = floe("diff", tmp_path / "contract.yaml", crm)
    assert done.returncode == 1
    assert expected in done.stderr, done.stderr
    assert done.stdout == ""


def test_a_contract_comes_first_and_has_no_ticks(crm: Path, tmp_path: Path) -> None:
    contract = by_hand(tmp_path, COLUMNS)
    for arguments, expected in (
        ((crm, contract), "is a data contract; name it first: floe diff CONTRACT PRODUCT"),
        ((contract, crm, "--days", "3"), "these don't apply to a data contract: --days"),
        ((tmp_path / "no.yaml", crm), "no.yaml: there is no such file"),
    ):
        done = floe("diff", *arguments)
        assert (done.returncode, expected in done.stderr) == (2, True), done.stderr
