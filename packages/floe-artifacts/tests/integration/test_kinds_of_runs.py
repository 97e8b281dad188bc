"""Runs in several builds on different machines, runs that measure freshness, and runs that reuse."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from plain_shop import FLOE, MANIFEST
from reported_product import codes_in, content, results_in
from warm_floe import dbt

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, build
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]
FIRST, SECOND = "model.shop.first", "model.shop.second"
MODELS = {
    "first": "{{ config(materialized='table') }} select 1 as id",
    "second": "{{ config(materialized='table') }} select id from {{ ref('first') }}",
}
SOURCES = """\
sources:
  - name: raw
    schema: main
    config: {loaded_at_field: loaded, freshness: {error_after: {count: 2, period: day}}}
    tables: [{name: fresh}, {name: stale}]
"""


def compiled(write_product: WriteProduct, more: str, **models: str) -> CompiledArtifacts:
    folder = write_product(floe=f"{FLOE}{more}", **models)
    test = "models: [{name: second, columns: [{name: id, data_tests: [unique]}]}]\n"
    if "second" in models:
        (folder / "models/tests.yml").write_text(test)
    compile_product(folder)
    return CompiledArtifacts.load(folder)


def test_builds_of_one_run_share_nothing_but_the_place(write_product: WriteProduct) -> None:
    artifacts = compiled(write_product, "artifacts: {to: written, docs: true}\n", **MODELS)
    folder, every = artifacts.folder, tuple(node.unique_id for node in artifacts.runnable)
    written = folder / "written/shop"
    parts = {"a": (FIRST,), "b": tuple(i for i in every if i != FIRST)}
    for part, node_ids in parts.items():
        request = BuildRequest("shop", f"run.{part}", node_ids, part=part, beside=every)
        list(build(artifacts, request))
        # The catalog is read from the warehouse when all nodes of the run are built.
        assert (written / "run/catalog.json").exists() == (part == "b")
        # The next build is on another machine.
        shutil.rmtree(folder / ".floe/runs")
    assert results_in(written / "run").keys() == {*every}
    assert codes_in(written / "latest").keys() == {*every}
    selected = content(written / "latest", "run_results.json")["args"]["select"]
    assert len(selected) == len({*selected}) == 3


def test_the_freshness_of_sources_is_as_dbt_measures_it(write_product: WriteProduct) -> None:
    folder = write_product(
        floe=f"{FLOE}execution: {{freshness: report}}\nartifacts: {{to: written}}\n",
        manifest=MANIFEST.replace("{type: duckdb}", "{type: duckdb, config: {path: shop.duckdb}}"),
        of_fresh="select * from {{ source('raw', 'fresh') }}",
        of_stale="select * from {{ source('raw', 'stale') }}",
    )
    (folder / "models/sources.yml").write_text(SOURCES)
    with duckdb.connect(str(folder / "shop.duckdb")) as warehouse:
        for name, hours in (("fresh", 0), ("stale", 120)):
            loaded = f"(now() - interval {hours} hour)::timestamp"
            warehouse.execute(f"create table {name} as select 1 as id, {loaded} as loaded")
    compile_product(folder)
    artifacts = CompiledArtifacts.load(folder)
    list(build(artifacts, BuildRequest("shop", "1")))
    places = ("--profiles-dir", ".", "--target-path", "plain-target")
    dbt("source", "freshness", *places, cwd=folder, check=False)
    ours, theirs = (
        content(each, "sources.json")
        for each in (folder / "written/shop/1", folder / "plain-target")
    )
    names = ("unique_id", "status", "max_loaded_at", "criteria")
    rows = [
        sorted([[row[name] for name in names], sorted(row)] for row in each["results"])
        for each in (ours, theirs)
    ]
    assert rows[0] == rows[1]
    assert (ours.keys(), ours["metadata"].keys()) == (theirs.keys(), theirs["metadata"].keys())
    assert results_in(folder / "written/shop/1").keys() == {
        "model.shop.of_fresh",
        "model.shop.of_stale",
    }


def test_what_is_reused_is_told_in_words_of_dbt(write_product: WriteProduct) -> None:
    more = "execution: {reuse: unchanged}\nartifacts: {to: written}\n"
    artifacts = compiled(write_product, more, **MODELS)
    for run_id in ("1", "2"):
        list(build(artifacts, BuildRequest("shop", run_id)))
    built, reused = (results_in(artifacts.folder / "written/shop" / each) for each in ("1", "2"))
    assert {row["status"] for row in built.values()} == {"success", "pass"}
    statuses = {node_id.partition(".")[0]: row["status"] for node_id, row in reused.items()}
    assert (built.keys(), statuses) == (reused.keys(), {"model": "no-op", "test": "pass"})
    parser = pytest.importorskip("dbt_artifacts_parser.parser")
    for name in ("manifest", "run_results"):
        parse = getattr(parser, f"parse_{name}")
        assert parse(content(artifacts.folder / "written/shop/2", f"{name}.json"))
