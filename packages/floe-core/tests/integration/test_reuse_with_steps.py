"""Reuse of a product with steps, beside plain dbt that builds all of it after the same commands."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
from reusing_product import FLOE
from warm_floe import dbt

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, NodeLog, NodeResult, build
from floe_core.execution.plan_of_run import plan_run
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]

WITH_STEPS = f"""\
{FLOE}steps:
  - {{name: load, command: [python, load.py], writes: [raw.orders]}}
  - {{name: score, command: [python, score.py], reads: [totals], writes: [raw.scores]}}
"""
SOURCES = """\
sources:
  - {name: raw, schema: main, tables: [{name: orders}, {name: scores}]}
models:
  - name: staged
    columns: [{name: id, data_tests: [not_null]}]
"""
# What is loaded, and whether a step says which version it is, is in two files.
LOAD = """\
import json, os, pathlib, duckdb

with duckdb.connect(os.environ.get("FLOE_WAREHOUSE_FILE") or "shop.duckdb") as warehouse:
    rows = pathlib.Path("orders.json").read_text()
    values = ", ".join(f"({id}, {amount})" for id, amount in json.loads(rows))
    warehouse.execute("drop table if exists orders; create table orders (id int, amount int)")
    warehouse.execute(f"insert into orders values {values}")
if pathlib.Path("says_version").exists() and "FLOE_FACTS_FILE" in os.environ:
    with open(os.environ["FLOE_FACTS_FILE"], "a") as facts:
        facts.write(json.dumps({"dataset": "raw.orders", "version": rows}) + "\\n")
"""
SCORE = """\
import json, os, duckdb

with duckdb.connect(os.environ.get("FLOE_WAREHOUSE_FILE") or "shop.duckdb") as warehouse:
    made = "create or replace table scores as select id, total * 2 as score from totals"
    warehouse.execute(made)
    version = str(warehouse.execute("select * from scores order by all").fetchall())
if "FLOE_FACTS_FILE" in os.environ:
    with open(os.environ["FLOE_FACTS_FILE"], "a") as facts:
        facts.write(json.dumps({"dataset": "raw.scores", "version": version}) + "\\n")
"""
MODELS = {
    "staged": "select id, amount from {{ source('raw', 'orders') }}",
    "ids": "select id from {{ ref('staged') }}",
    "totals": "select id, sum(amount) as total from {{ ref('staged') }} group by 1",
    "best": "select id, score from {{ source('raw', 'scores') }} where score > 20",
    "aside": "select 1 as id",
}
STEPS = {"load", "score"}
FIRST, SECOND = "[[1, 10], [2, 20]]", "[[1, 10], [2, 30]]"
PROFILE = "shop: {outputs: {dev: {type: duckdb, path: shop.duckdb}}, target: dev}\n"
PROJECT = "name: shop\nversion: 1.0.0\nprofile: shop\nmodels: {+materialized: table}\n"


class Shop:
    """The product in one folder, and a copy of it without floe in another."""

    def __init__(self, write_product: WriteProduct) -> None:
        self.ours = write_product("ours", floe=WITH_STEPS, dbt_project=PROJECT, **MODELS)
        self.plain = write_product("plain", floe=WITH_STEPS, dbt_project=PROJECT, **MODELS)
        for folder in (self.ours, self.plain):
            (folder / "models" / "schema.yml").write_text(SOURCES)
            (folder / "load.py").write_text(LOAD)
            (folder / "score.py").write_text(SCORE)
        (self.plain / "profiles.yml").write_text(PROFILE)
        self.write("orders.json", FIRST)
        self.write("says_version", "")
        self._runs = 0

    def write(self, name: str, text: str) -> None:
        for folder in (self.ours, self.plain):
            (folder / name).write_text(text)

    def run(self) -> set[str]:
        """Run both, check that the tables are the same, and return what dbt ran under floe."""
        self._runs += 1
        run_id = str(self._runs)
        artifacts = self.compiled()
        events = list(build(artifacts, BuildRequest("shop", run_id)))
        results = [e for e in events if isinstance(e, NodeResult)]
        assert {r.unique_id for r in results} == {n.unique_id for n in artifacts.runnable}
        assert all(r.passed for r in results), results
        assert [e.text for e in events if isinstance(e, NodeLog) and e.level == "warn"] == []
        self._run_plain()
        assert tables(self.ours) == tables(self.plain)
        ran = {r.unique_id.split(".")[2] for r in results if r.status != "reused"}
        assert ran >= STEPS
        assert self._run_by_dbt(run_id) == ran - STEPS
        return ran - STEPS

    def compiled(self) -> CompiledArtifacts:
        compile_product(self.ours)
        return CompiledArtifacts.load(self.ours)

    def _run_by_dbt(self, run_id: str) -> set[str]:
        """Return the names of the nodes whose SQL dbt left as what it ran."""
        folder = self.ours / ".floe" / "runs" / run_id
        return {file.stem for file in folder.glob("attempt-1/run/shop/**/*.sql")}

    def _run_plain(self) -> None:
        for script, chosen in (("load.py", "--exclude"), ("score.py", "--select")):
            subprocess.run([sys.executable, script], cwd=self.plain, check=True)
            dbt("--quiet", "build", chosen, "source:raw.scores+", cwd=self.plain)


def tables(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as warehouse:
        names = [str(name) for (name,) in warehouse.execute("show tables").fetchall()]
        return {n: warehouse.execute(f"select * from {n} order by all").fetchall() for n in names}


TEST = "not_null_staged_id"
ALL = {*MODELS, TEST}


def test_what_is_below_a_step_is_reused_while_its_version_is_the_same(
    write_product: WriteProduct,
) -> None:
    shop = Shop(write_product)
    assert shop.run() == ALL
    assert shop.run() == set()
    # The second row's amount: what `score` makes of it is another version as well.
    shop.write("orders.json", SECOND)
    assert shop.run() == {"staged", "totals", "best", TEST, "ids"}
    shop.write("models/totals.sql", MODELS["totals"] + " -- a comment")
    assert shop.run() == set()
    # Another way to the same totals: what `score` makes of them is the same.
    shop.write("models/totals.sql", MODELS["totals"].replace("sum(amount)", "sum(amount) + 0"))
    assert shop.run() == {"totals"}
    shop.write("models/best.sql", MODELS["best"].replace("20", "40"))
    assert shop.run() == {"best"}


def test_without_a_version_what_reads_a_step_is_new_and_its_content_decides_below(
    write_product: WriteProduct,
) -> None:
    shop = Shop(write_product)
    shop.run()
    for folder in (shop.ours, shop.plain):
        (folder / "says_version").unlink()
    assert shop.run() == {"staged", TEST}
    shop.write("orders.json", SECOND)
    assert shop.run() == {"staged", "totals", "ids", "best", TEST}
    assert shop.run() == {"staged", TEST}


def test_a_step_that_fails_leaves_what_is_below_it_as_it_was(write_product: WriteProduct) -> None:
    shop = Shop(write_product)
    shop.run()
    shop.write("load.py", "raise SystemExit(1)")
    events = build(shop.compiled(), BuildRequest("shop", "failing"))
    results = {e.unique_id.split(".")[2]: e.status for e in events if isinstance(e, NodeResult)}
    assert results["load"] == "error"
    assert results["aside"] == "reused"
    assert {results[name] for name in (*STEPS - {"load"}, "staged", "best")} == {"skipped"}
    shop.write("load.py", LOAD)
    assert shop.run() == set()


def test_a_plan_says_what_a_step_decides(write_product: WriteProduct) -> None:
    shop = Shop(write_product)
    shop.run()
    shop.write("models/aside.sql", "select 2 as id")
    decisions = plan_run(shop.compiled(), BuildRequest("shop", "plan")).decisions
    told = {i.split(".")[2]: each.why for i, each in decisions.items() if each.action == "build"}
    orders = "new if load reports a new version of raw.orders"
    assert told == {
        "load": "a step runs every time",
        "score": "a step runs every time",
        **dict.fromkeys(("staged", "ids", "totals", TEST), orders),
        "best": f"{orders} or score reports a new version of raw.scores",
        "aside": "its code changed",
    }
