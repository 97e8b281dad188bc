"""Pools of jobs and of nodes: where floe.yaml and dbt name them, and what can't be held."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from plain_shop import FLOE

from floe_core import plugin_registry
from floe_core.compiler import compile_product
from floe_core.foundation.errors import InvalidProductError
from floe_core.plugin_api.concepts import product_concepts
from floe_diff import difference

WriteProduct = Callable[..., Path]
POOLS = """\
execution: {pool: builds}
transforms: [{name: c, pool: api}]
jobs:
  - {name: nightly, select: a}
  - {name: hourly, select: b, pool: slow}
steps: [{name: load, command: [python], pool: api}]
"""
IN_HEAVY = "{{ config(meta={'floe': {'pool': 'heavy'}}) }} select 1 as id"


def refusal(folder: Path) -> str:
    with pytest.raises(InvalidProductError) as refused:
        compile_product(folder)
    return str(refused.value)


def test_jobs_nodes_and_steps_have_pools_of_their_own(write_product: WriteProduct) -> None:
    folder = write_product(floe=FLOE + POOLS, a=IN_HEAVY, b="select 1 as id", c="select 1 as id")
    artifacts = compile_product(folder)
    assert artifacts.pools_of_nodes == {
        "model.shop.a": "heavy",
        "model.shop.c": "api",
        "step.shop.load": "api",
    }
    assert {job.name: artifacts.pool_of(job) for job in artifacts.jobs} == {
        "shop": "builds",
        "nightly": "builds",
        "hourly": "slow",
    }
    concept = product_concepts(artifacts)["pool"]
    assert concept == "builds, hourly: slow, api: 2 nodes, heavy: 1 node"


def test_a_pool_is_inherited_from_dbt_project_yml(write_product: WriteProduct) -> None:
    folder = write_product(
        dbt_project="name: shop\nprofile: shop\nmodels: {+meta: {floe: {pool: heavy}}}\n",
        a="select 1 as id",
    )
    assert compile_product(folder).pools_of_nodes == {"model.shop.a": "heavy"}


def test_every_wrong_pool_is_told_with_its_place(write_product: WriteProduct) -> None:
    folder = write_product(
        floe=FLOE
        + "execution: {pool: builds}\n"
        + "transforms: [{name: b, pool: slow}, {name: c, pool: api}]\n"
        + "jobs: [{name: hourly, select: a, pool: slow}]\n"
        + "steps: [{name: load, command: [python], pool: builds}]\n",
        a=IN_HEAVY.replace("heavy", "builds"),
        b="select 1 as id",
        c=IN_HEAVY,
    )
    (folder / "models" / "sources.yml").write_text(
        "sources: [{name: raw, tables: [{name: t, config: {meta: {floe: {pool: heavy}}}}]}]\n"
    )
    itself = "as well: a build that holds a slot of it could wait for itself"
    other = "fix: name another pool: one for builds, one for nodes"
    found = refusal(folder)
    for expected in (
        f"floe.yaml:6:30: pool of 'b': 'slow' is the pool of job 'hourly' {itself}",
        f"floe.yaml:8:47: pool of 'load': 'builds' is execution.pool {itself}",
        f"models/a.sql: meta.floe of model.shop.a: pool: 'builds' is execution.pool {itself}\n"
        f"{other}",
        "models/c.sql: meta.floe of model.shop.c: pool: 'heavy', and 'api' in floe.yaml; a node is "
        "in one pool\nfix: keep one of them",
        "models/sources.yml: meta.floe of source.shop.raw.t: pool: a source does not run, so it "
        "takes no slot\nfix: leave it out, or put what reads it into the pool",
    ):
        assert expected in found
    assert found.count("fix: ") == 5


def test_a_bad_name_in_floe_yaml_is_told_where_it_stands(write_product: WriteProduct) -> None:
    folder = write_product(
        floe=FLOE
        + "jobs: [{name: hourly, select: first, pool: a b}]\n"
        + "steps: [{name: load, command: [python], pool: a/b}]\n"
    )
    found = refusal(folder)
    assert "floe.yaml:5:44: " in found
    assert "floe.yaml:6:47: " in found


@pytest.mark.long
def test_a_dbt_of_the_products_own_holds_no_node_back(
    write_product: WriteProduct,
) -> None:
    folder = write_product(
        floe=FLOE
        + f"execution: {{dbtExecutable: {sys.prefix}/bin/dbt}}\n"
        + "steps: [{name: load, command: [python], pool: api}]\n",
        a=IN_HEAVY,
    )
    assert refusal(folder) == (
        "models/a.sql: meta.floe of model.shop.a: pool: a node can't be held back where floe.yaml "
        "has `dbtExecutable`\nfix: put the node into a job of its own, with `jobs[].pool`"
    )


def test_pools_of_nodes_are_refused_where_nothing_could_wait(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = type(plugin_registry.load("plain", {}))
    others = {name: vars(plain)[name] for name in vars(plain) if name != "pool_of_nodes"}
    without = type("WithoutPools", plain.__bases__, others)
    monkeypatch.setattr(plugin_registry, "load", lambda name, config: without())
    folder = write_product(floe=FLOE, a=IN_HEAVY)
    found = refusal(folder)
    assert "plain can't express this product's pool: nodes are in heavy" in found
    assert "fix: put the nodes into a job of their own, and that into the pool" in found
    (folder / "floe.yaml").write_text(FLOE + "waivers: [pool]\n")
    told: list[str] = []
    compile_product(folder, on_notice=told.append)
    assert any(notice.startswith("waived on plain: pool: nodes are in heavy") for notice in told)


def test_another_pool_is_a_difference(write_product: WriteProduct) -> None:
    job = "jobs: [{name: hourly, select: first, pool: POOL}]\n"
    step = "steps: [{name: load, command: [python], pool: POOL}]\n"
    one, two = (
        compile_product(
            write_product(name, floe=FLOE + job.replace("POOL", a) + step.replace("POOL", b))
        )
        for name, a, b in (("one", "slow", "api"), ("two", "fast", "web"))
    )
    now = datetime(2026, 3, 1, tzinfo=UTC)
    found = difference(one, two, now, now)
    [changed] = found.jobs
    assert (changed.old_pool, changed.new_pool) == ("slow", "fast")
    [node] = found.changed
    assert [str(field) for field in node.fields] == ["pool: api -> web"]
    assert not node.has_new_config
