"""Contracts of ports are valid for the standard's own schema, and say what dbt knows."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from mesh_products import Mesh
from open_data_contract_standard.model import OpenDataContractStandard
from warm_floe import floe

pytestmark = pytest.mark.long

PROPERTIES = """\
models:
  - name: dim_customers
    description: "All customers: one row each."
    config: {contract: {enforced: true}}
    columns:
      - {name: customer_id, data_type: integer, description: Its number., data_tests: [not_null, unique]}
      - {name: name, data_type: varchar, data_tests: [{not_null: {config: {severity: warn}}}]}
      - {name: address, data_type: varchar}
"""


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("contracts")
    deadline = "deadline: '07:00'\nschedule: {cron: '0 5 * * *', timezone: Europe/London}\n"
    mesh = Mesh(folder / "mesh", "dagster", more={"crm": deadline})
    (folder / "mesh" / "crm" / "models" / "properties.yml").write_text(PROPERTIES)
    mesh.compile()
    out = folder / "out"
    done = floe("mesh", folder / "mesh" / "manifest-crm.yaml", "--contracts", out)
    assert done.returncode == 0, done.stderr
    return {path.name: yaml.safe_load(path.read_text()) for path in sorted(out.iterdir())}


def test_each_port_has_a_contract(contracts: dict[str, dict[str, Any]]) -> None:
    assert [*contracts] == ["billing.invoices.v1.odcs.yaml", "crm.customers.v1.odcs.yaml"]


def test_they_are_valid(contracts: dict[str, dict[str, Any]]) -> None:
    schema = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text())
    for contract in contracts.values():
        jsonschema.validate(with_types(contract), schema)
        OpenDataContractStandard.model_validate(contract)


def with_types(contract: dict[str, Any]) -> dict[str, Any]:
    """The schema of 3.2 asks for a `map` where there is no type; 3.1, which is named, does not."""
    found = copy.deepcopy(contract)
    for column in found["schema"][0]["properties"]:
        column.setdefault("logicalType", "string")
    return found


@pytest.mark.slow
def test_the_tool_of_the_standard_accepts_them(
    contracts: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    uv = Path(sys.executable).parent / "uv"
    for name, contract in contracts.items():
        (tmp_path / name).write_text(yaml.safe_dump(contract))
        command = [
            uv,
            "tool",
            "run",
            "--from",
            "datacontract-cli==1.2.8",
            "datacontract",
            "lint",
            name,
        ]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert "Data contract is valid" in done.stdout, done.stdout + done.stderr


def test_a_contract_says_what_is_known(contracts: dict[str, dict[str, Any]]) -> None:
    contract = contracts["crm.customers.v1.odcs.yaml"]
    [relation] = contract.pop("schema")
    assert contract == {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "crm/customers@1",
        "name": "customers",
        "version": "1.0.0",
        "status": "active",
        "dataProduct": "crm",
        "description": {"purpose": "All customers: one row each."},
        "slaProperties": [
            {"property": "timeOfAvailability", "value": "07:00 UTC", "element": "crm"},
            {
                "property": "frequency",
                "value": "0 5 * * *",
                "element": "crm",
                "scheduler": "cron",
                "schedule": "0 5 * * * Europe/London",
            },
        ],
        "customProperties": [{"property": "floeProductVersion", "value": "1.0.0"}],
    }
    assert relation["physicalName"] == "mesh.crm.dim_customers"
    assert relation["properties"] == [
        {
            "name": "customer_id",
            "physicalType": "integer",
            "logicalType": "integer",
            "description": "Its number.",
            "required": True,
            "unique": True,
        },
        {"name": "name", "physicalType": "varchar", "logicalType": "string"},
        {"name": "address", "physicalType": "varchar", "logicalType": "string"},
    ]


def test_the_same_products_give_the_same_bytes(tmp_path: Path) -> None:
    mesh = Mesh(tmp_path / "mesh", "dagster")
    mesh.compile("crm")
    for name in ("one", "two"):
        floe("mesh", tmp_path / "mesh" / "manifest-crm.yaml", "--contracts", tmp_path / name)
    one, two = (sorted((tmp_path / name).iterdir()) for name in ("one", "two"))
    assert [each.read_bytes() for each in one] == [each.read_bytes() for each in two]
