"""Which changes of a producer break which consumer, beside what DuckDB makes of their SQL.

The oracle knows nothing of floe: the producer's new table is made, and each consumer's queries run
on it, one after the other. A consumer is broken when one of them fails.
"""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from floe_core.compiler import compile_product
from floe_core.schemas.artifacts_reader import read_artifacts
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_diff import difference

Json = dict[str, Any]
COLUMNS = ("id", "name", "city", "age", "email", "phone", "joined", "note", "score", "tier")
BASE = ", ".join(f"{index} as {name}" for index, name in enumerate(COLUMNS))
# Consumer -> its models in their order. `port` stands for the producer's table.
CONSUMERS = {
    "explicit": {"a": "select id, name, upper(city::text) as town from port where age > 1"},
    "star": {
        "stg": "select * from port",
        "mart": "with s as (select * from stg) select id, email from s order by joined",
    },
    "alias": {"a": "select p.id, q.phone from port p join port q on p.id = q.id"},
    "counting": {"a": "select count(*) as n from port where exists (select * from port)"},
    "nested": {
        "a": "select x.* from (select id, score from port) x",
        "b": "select score + 1 as s from a",
    },
    "remainder": {"a": "select * exclude (phone) from port"},
    "replaced": {"a": "select p.* replace ('' as note) from port p"},
    "grouped": {"a": "select tier, count(*) as n from port group by tier having max(note) <> 3"},
}
DROPPED = [(f"drop {name}", COLUMNS, name) for name in COLUMNS]
RENAMED = [(f"rename {name}", COLUMNS, name) for name in COLUMNS]
# Kept whole, but written otherwise.
HARMLESS = [
    ("another value", BASE.replace("3 as age", "44 as age")),
    ("another order", ", ".join(reversed(BASE.split(", ")))),
    ("one column more", f"{BASE}, 1 as added"),
    ("a comment", f"{BASE} /* as it was */"),
    ("capital letters", BASE.replace("name", "NAME")),
    ("two columns more", f"{BASE}, 1 as a1, 2 as a2"),
    ("a cte", f"{BASE} from (select 1)"),
    ("a filter", f"{BASE} where true"),
    ("other types", BASE.replace("3 as age", "3::bigint as age")),
    ("distinct", f"distinct {BASE}"),
    ("a subquery", f"* from (select {BASE}) as inner_one"),
    ("a union", f"{BASE} union all select {BASE}"),
    ("a limit", f"{BASE} limit 1"),
    ("an order", f"{BASE} order by 1"),
    ("a null", BASE.replace("3 as age", "null::integer as age")),
    ("a name in quotes", BASE.replace("as name", 'as "name"')),
    ("a qualified name", f"p.* from (select {BASE}) as p"),
    ("a column of many words", f'{BASE}, 1 as "many words"'),
    ("an exclusion", f"* exclude (more) from (select {BASE}, 1 as more)"),
    ("a replacement", f"* replace (9 as age) from (select {BASE})"),
]
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {{name: p, version: 1.0.0}}
plugins:
  orchestrator: {{type: plain}}
  compute: {{type: duckdb, config: {{path: "../all.duckdb", schema: "{{product_slug}}"}}}}
products: {{{products}}}
"""
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, plain_site: Path) -> Path:
    folder = tmp_path_factory.mktemp("platform")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(plain_site))
        names = ["crm", *CONSUMERS]
        text = MANIFEST.format(products=", ".join(f"{n}: {n}" for n in names))
        (folder / "manifest.yaml").write_text(text)
        write(folder, "crm", {"dim": f"select {BASE}"}, "outputPorts: [{name: dim, version: 1}]")
        compile_product(folder / "crm")
        for name, models in CONSUMERS.items():
            dbt = {m: in_dbt(sql, models) for m, sql in models.items()}
            write(folder, name, dbt, "inputPorts: [{product: crm, port: dim, version: 1}]")
            compile_product(folder / name)
    return folder


def write(folder: Path, name: str, models: dict[str, str], ports: str) -> None:
    (folder / name / "models").mkdir(parents=True, exist_ok=True)
    (folder / name / "floe.yaml").write_text(
        "apiVersion: floe.dev/v1\nkind: FloeSpec\n"
        f"metadata: {{name: {name}, version: 1.0.0}}\n{ports}\n"
    )
    (folder / name / "dbt_project.yml").write_text(f"name: {name}\nversion: 1.0.0\nprofile: p\n")
    for model, sql in models.items():
        (folder / name / "models" / f"{model}.sql").write_text(sql)


def in_dbt(sql: str, models: dict[str, str]) -> str:
    words = sql.replace("from port", "from {{ ref('crm', 'dim') }}")
    words = words.replace("join port", "join {{ ref('crm', 'dim') }}")
    for model in models:
        words = words.replace(f"from {model}", f"from {{{{ ref('{model}') }}}}")
    return words


def broken_in_duckdb(port: str) -> tuple[str, ...]:
    """Return the consumers one of whose queries fails on the producer's new table."""
    broken = set()
    for name, models in CONSUMERS.items():
        with duckdb.connect() as warehouse:
            warehouse.execute(f"create table port as select {port}")
            try:
                for model, sql in models.items():
                    warehouse.execute(f"create table {model} as {sql}")
            except duckdb.Error:
                broken.add(name)
    return tuple(sorted(broken))


def changed(platform: Path, select: str, ports: str = "") -> tuple[str, ...]:
    """Return the consumers that floe calls broken by this change of the producer."""
    old = CompiledArtifacts.load(platform / "crm")
    again = platform.parent / f"{platform.name}-new"
    ports = ports or "outputPorts: [{name: dim, version: 1}]"
    manifest = f"platform: {{manifest: ../{platform.name}/manifest.yaml}}\n"
    write(again.parent, again.name, {"dim": f"select {select}"}, f"{manifest}{ports}")
    for file in ("floe.yaml", "dbt_project.yml"):
        text = (again / file).read_text().replace(f"name: {again.name}", "name: crm")
        (again / file).write_text(text)
    new = compile_product(again)
    consumers = [read_artifacts(platform / name) for name in CONSUMERS]
    return difference(old, new, START, END, consumers).broken


@pytest.mark.parametrize(("what", "columns", "name"), DROPPED, ids=[d[0] for d in DROPPED])
def test_dropped_columns(platform: Path, what: str, columns: tuple[str, ...], name: str) -> None:
    select = ", ".join(f"{i} as {c}" for i, c in enumerate(columns) if c != name)
    assert changed(platform, select) == broken_in_duckdb(select)


@pytest.mark.parametrize(("what", "columns", "name"), RENAMED, ids=[r[0] for r in RENAMED])
def test_renamed_columns(platform: Path, what: str, columns: tuple[str, ...], name: str) -> None:
    select = ", ".join(f"{i} as {'new_' * (c == name)}{c}" for i, c in enumerate(columns))
    assert changed(platform, select) == broken_in_duckdb(select)


@pytest.mark.parametrize(("what", "select"), HARMLESS, ids=[h[0] for h in HARMLESS])
def test_harmless_changes(platform: Path, what: str, select: str) -> None:
    assert broken_in_duckdb(select) == ()
    assert changed(platform, select) == ()


RETYPED = ("id", "name", "city", "age", "score", "tier")
PORT = "outputPorts: [{name: dim, version: 1}]"
WHOLE = {"data_type": "integer"}
# With a contract: the entry of its column `age`, what else its model has, its SQL.
HARMLESS_WITH_CONTRACT: dict[str, tuple[Json, Json, str]] = {
    "a synonym of the type": ({"data_type": "int4"}, {}, BASE),
    "a description of a column": ({**WHOLE, "description": "Years."}, {}, BASE),
    "a test": ({**WHOLE, "data_tests": ["not_null"]}, {}, BASE),
    "a constraint": ({**WHOLE, "constraints": [{"type": "not_null"}]}, {}, BASE),
    "meta": ({**WHOLE, "meta": {"pii": True}}, {}, BASE),
    "a description of the model": (WHOLE, {"description": "People."}, BASE),
    "a tag": (WHOLE, {"tags": ["nightly"]}, BASE),
    "docs": (WHOLE, {"docs": {"show": False}}, BASE),
    "a group of columns": (WHOLE, {"meta": {"columns": "personal"}}, BASE),
    "a column cast": (WHOLE, {}, BASE.replace("3 as age", "3::integer as age")),
}


@pytest.fixture(scope="module")
def with_contract(platform: Path, plain_site: Path) -> Path:
    """Return the same platform, with a contract of the producer's model."""
    copy = Path(shutil.copytree(platform, platform.parent / "contracted"))
    (copy / "crm" / "models" / "dim.yml").write_text(contract_of("age", WHOLE))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(plain_site))
        compile_product(copy / "crm")
    return copy


def contract_of(column: str, entry: Json, **model: object) -> str:
    """Return the properties of the producer's model, with this entry of one of its columns."""
    columns = [{"name": each, **(entry if each == column else WHOLE)} for each in COLUMNS]
    config = {"materialized": "table", "contract": {"enforced": True}}
    return json.dumps({"models": [{"name": "dim", "config": config, **model, "columns": columns}]})


def changed_contract(platform: Path, contract: str, select: str) -> tuple[str, ...]:
    models = platform.parent / f"{platform.name}-new" / "models"
    models.mkdir(parents=True, exist_ok=True)
    (models / "dim.yml").write_text(contract)
    try:
        return changed(platform, select)
    finally:
        (models / "dim.yml").unlink()


@pytest.mark.parametrize("column", RETYPED)
def test_retyped_columns(with_contract: Path, column: str) -> None:
    """Who reads a column is who fails without it."""
    index = COLUMNS.index(column)
    select = BASE.replace(f"{index} as {column}", f"'{index}' as {column}")
    without = ", ".join(each for each in BASE.split(", ") if not each.endswith(f" {column}"))
    contract = contract_of(column, {"data_type": "varchar"})
    assert changed_contract(with_contract, contract, select) == broken_in_duckdb(without)


@pytest.mark.parametrize("what", HARMLESS_WITH_CONTRACT)
def test_harmless_changes_of_a_contract(with_contract: Path, what: str) -> None:
    entry, model, select = HARMLESS_WITH_CONTRACT[what]
    contract = contract_of("age", entry, **model)
    assert changed_contract(with_contract, contract, select) == ()


ALL = tuple(sorted(CONSUMERS))


@pytest.mark.parametrize(
    "ports",
    [
        "outputPorts: []",
        "outputPorts: [{name: dim, version: 2}]",
        "outputPorts: [{name: dims, model: dim, version: 1}]",
    ],
    ids=["withdrawn", "version removed", "renamed"],
)
def test_a_port_that_is_gone_breaks_all_who_read_it(platform: Path, ports: str) -> None:
    assert changed(platform, BASE, ports) == ALL


def test_a_relation_that_moves_breaks_all_who_read_it(platform: Path) -> None:
    select = "{{ config(schema='elsewhere') }} " + f"select {BASE}"
    assert changed(platform, BASE) == ()
    old = CompiledArtifacts.load(platform / "crm")
    (platform.parent / f"{platform.name}-new" / "models" / "dim.sql").write_text(select)
    new = compile_product(platform.parent / f"{platform.name}-new")
    consumers = [read_artifacts(platform / name) for name in CONSUMERS]
    assert difference(old, new, START, END, consumers).broken == ALL
