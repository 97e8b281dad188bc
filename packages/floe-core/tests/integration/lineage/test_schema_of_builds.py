"""The schema facets of real builds, against what the warehouse says it has."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from floe_core.compiler import compile_product
from floe_core.execution import build
from floe_core.runs.build_events import NodeResult
from floe_core.runs.build_request import BuildRequest

EXAMPLES = Path(__file__).parents[5] / "examples"
UNDOCUMENTED = """\
{{ config(materialized='table') }}
select id, name, name || '!' as loud, struct_pack(a := id) as st, [name] as names, now() as at
from {{ ref('people') }}
"""
READS_A_SOURCE = "select who, upper(what) as what from {{ source('outside', 'talks') }}"
SOURCES = "sources: [{name: outside, schema: main, tables: [{name: talks}]}]\n"


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLES, tmp_path / "e", ignore=shutil.ignore_patterns(".floe", "*.duckdb"))
    product = tmp_path / "e" / "hello"
    (product / "models" / "undocumented.sql").write_text(UNDOCUMENTED)
    (product / "models" / "reads_a_source.sql").write_text(READS_A_SOURCE)
    (product / "models" / "sources.yml").write_text(SOURCES)
    with duckdb.connect(str(product / "hello.duckdb")) as connection:
        connection.execute("create table talks (who integer, what varchar, secret varchar)")
    return product


def completed(product: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """Build a product; return job name -> its COMPLETE event, of what leaves a relation."""
    file = product.parent / "received.jsonl"
    transport = {"type": "file", "log_file_path": str(file), "append": True}
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT", json.dumps(transport))
    artifacts = compile_product(product)
    results = list(build(artifacts, BuildRequest("hello", "run")))
    assert [e for e in results if isinstance(e, NodeResult) and not e.passed] == []
    events = [json.loads(line) for line in file.read_text().splitlines()]
    ends = {e["job"]["name"]: e for e in events if e["eventType"] == "COMPLETE"}
    return {name: event for name, event in ends.items() if event["outputs"]}


def schema(dataset: dict[str, Any]) -> list[tuple[str, str]]:
    fields = dataset["facets"].get("schema", {}).get("fields", [])
    return [(field["name"], field["type"]) for field in fields]


def columns_missing_in_a_schema(event: dict[str, Any]) -> list[str]:
    """Return the fields of a column lineage that no schema of the same event has."""
    (output,) = event["outputs"]
    own = dict(schema(output))
    facet = output["facets"].get("columnLineage", {"fields": {}})
    return [name for name in facet["fields"] if name not in own]


def test_every_relation_has_the_schema_that_the_warehouse_has(
    hello: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = completed(hello, monkeypatch)
    with duckdb.connect(str(hello / "hello.duckdb"), read_only=True) as connection:
        rows = connection.execute(
            "select table_name, column_name, data_type from information_schema.columns "
            "order by table_name, ordinal_position"
        ).fetchall()
    expected: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in rows:
        expected.setdefault(table, []).append((column, kind))
    del expected["talks"]
    told = {name.rpartition(".")[2]: schema(each["outputs"][0]) for name, each in events.items()}
    assert told == expected
    assert told["people"][:2] == [("id", "INTEGER"), ("name", "VARCHAR")]
    assert all(columns_missing_in_a_schema(event) == [] for event in events.values())


def test_descriptions_stay_with_the_columns_of_the_warehouse(
    hello: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = completed(hello, monkeypatch)
    fields = events["hello.model.greetings"]["outputs"][0]["facets"]["schema"]["fields"]
    assert any(field.get("description") for field in fields)


def test_a_source_has_the_columns_that_are_read_of_it(
    hello: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = completed(hello, monkeypatch)["hello.model.reads_a_source"]
    (source,) = event["inputs"]
    assert schema(source) == [("who", "unknown"), ("what", "unknown")]


def test_a_dbt_of_the_products_own_leaves_the_columns_to_the_sql(
    hello: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dbt = Path(sys.executable).with_name("dbt")
    with (hello / "floe.yaml").open("a") as file:
        file.write(f"execution: {{dbtExecutable: {dbt}}}\n")
    events = completed(hello, monkeypatch)
    names = [name for name, _ in schema(events["hello.model.undocumented"]["outputs"][0])]
    assert names == ["id", "name", "loud", "st", "names", "at"]
    assert all(columns_missing_in_a_schema(event) == [] for event in events.values())
