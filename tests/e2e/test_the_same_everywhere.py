"""Each product does the same on Dagster, on Airflow and in plain `dbt build`; failures on Prefect."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from mixed_product import NODES, write_mixed_product
from public_projects import PROJECTS, NotFetchedError, fetch_project
from warm_floe import dbt, floe

from floe_core.plugin_api.powers import RetryPlan
from floe_core.schemas import CompiledArtifacts
from floe_core.warehouse.table_contents import TableContents, read_tables
from floe_parity.comparison import compare
from floe_parity.sides.side import compile_side, run_side

EXAMPLES = Path(__file__).parents[2] / "examples"
# What the others have customer-360 has as well, with models of versions.
PRODUCTS = [
    "customer-360",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("hello", "jaffle", "osmosis")),
]
VERSIONS = {
    "tiers_v1.sql": "select customer_id from {{ ref('dim_customers') }}",
    "tiers_v2.sql": "select customer_id, 1 as tier from {{ ref('dim_customers') }}",
    "of_both_tiers.sql": "select v2.* from {{ ref('tiers') }} v2"
    " join {{ ref('tiers', v=1) }} v1 using (customer_id)",
    "tiers.yml": "models: [{name: tiers, latest_version: 2, versions: [{v: 1}, {v: 2}]}]",
}


def product_folder(name: str, folder: Path) -> Path:
    """Return a copy of an example or of a public project."""
    if name not in PROJECTS:
        shutil.copytree(EXAMPLES, folder / "examples", ignore=shutil.ignore_patterns(".floe"))
        return folder / "examples" / name
    try:
        return fetch_project(name, folder)
    except NotFetchedError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"the package index is not to be reached: {error}")


def plain_build(artifacts: CompiledArtifacts) -> tuple[dict[str, str], dict[str, TableContents]]:
    """Run `dbt build` itself in a compiled copy; return node statuses and tables."""
    folder = artifacts.project_dir
    assert folder is not None
    flags = ["--profiles-dir", artifacts.dbt.profiles_dir, "--target-path", "t"]
    dbt("--quiet", "build", *flags, cwd=folder)
    results = json.loads((folder / "t" / "run_results.json").read_text())["results"]
    tables = read_tables(artifacts)
    # dbt 1.11 also tells of exposures, as "no-op": nothing of them runs.
    statuses = {r["unique_id"]: r["status"] for r in results if r["status"] != "no-op"}
    return statuses, tables


@pytest.mark.parametrize("name", PRODUCTS)
def test_statuses_tables_and_lineage_are_the_same(name: str, tmp_path: Path) -> None:
    product = product_folder(name, tmp_path)
    if name == "customer-360":
        for file, text in VERSIONS.items():
            (product / "models" / file).write_text(text)
    sides = [
        run_side(compile_side(product, name, tmp_path / name), lambda event: None)
        for name in ("dagster", "airflow")
    ]
    comparison = compare(*sides)
    assert comparison.differences == ()
    assert {node.node_id: node.differences for node in comparison.nodes if node.differences} == {}
    assert comparison.is_equal
    statuses, tables = plain_build(compile_side(product, "dagster", tmp_path / "plain").artifacts)
    for side in sides:
        assert side.report.status == "success"
        assert {node_id: r.status for node_id, r in side.report.nodes.items()} == statuses
        assert side.tables == tables
        assert side.events.total() == 2 * len(statuses) + 2


def failing_product(folder: Path) -> Path:
    """Return a copy of hello with a model that fails, a test that fails, and one without end."""
    product = product_folder("hello", folder)
    models = {
        "bad": "select no_such_column from {{ ref('stg_people') }}",
        "after_bad": "select * from {{ ref('bad') }}",
        "endless": "select count(*) as n from range(100000000000) a(x), {{ ref('stg_people') }}"
        " where hash(x) = 1",
        "after_endless": "select n from {{ ref('endless') }}",
    }
    for name, sql in models.items():
        (product / "models" / f"{name}.sql").write_text(sql)
    (product / "tests").mkdir()
    (product / "tests" / "nobody.sql").write_text("select * from {{ ref('greetings') }}")
    with (product / "floe.yaml").open("a") as spec:
        spec.write("execution: {timeoutSeconds: 14}\n")
    return product


def test_failures_are_the_same(tmp_path: Path) -> None:
    product = failing_product(tmp_path)
    sides = [
        run_side(compile_side(product, name, tmp_path / name), lambda event: None)
        for name in ("dagster", "airflow", "prefect")
    ]
    for one, other in pairwise(sides):
        comparison = compare(one, other)
        assert comparison.differences == ()
        assert {n.node_id: n.differences for n in comparison.nodes if n.differences} == {}
    ends = Counter(" ".join(event.split(" ", 2)[:2]) for event in sides[0].events)
    assert {end for end in ends if not end.startswith("START")} == {
        "COMPLETE hello.seed.people",
        "COMPLETE hello.model.stg_people",
        "COMPLETE hello.model.greetings",
        "COMPLETE hello.test.not_null_greetings_id",
        "COMPLETE hello.test.unique_greetings_id",
        "FAIL hello.model.bad",
        "ABORT hello.model.after_bad",
        "FAIL hello.model.endless",
        "ABORT hello.model.after_endless",
        "FAIL hello.test.nobody",
        "FAIL hello",
    }


def test_a_failed_test_and_a_failing_retry_are_the_same(tmp_path: Path) -> None:
    product = product_folder("hello", tmp_path)
    (product / "models" / "bad.sql").write_text("select nothing from {{ ref('stg_people') }}")
    (product / "tests").mkdir()
    (product / "tests" / "nobody.sql").write_text("select * from {{ ref('greetings') }}")
    with (product / "floe.yaml").open("a") as spec:
        spec.write("execution: {retries: 1, retryDelaySeconds: 1}\n")
    sides = [
        run_side(compile_side(product, name, tmp_path / name), lambda event: None)
        for name in ("dagster", "airflow")
    ]
    assert compare(*sides).differences == ()
    # One for each of the two attempts, the test that failed in the first one counted in both.
    whole = [event for event in sides[1].events.elements() if event.startswith("FAIL hello ")]
    assert [event.count("2 of 7 nodes: 1 error, 1 fail") for event in whole] == [1, 1]


@pytest.mark.slow
def test_two_hundred_nodes_of_mixed_kinds_are_the_same(tmp_path: Path) -> None:
    product = write_mixed_product(tmp_path / "mixed")
    sides = [
        run_side(compile_side(product, name, tmp_path / name), lambda event: None)
        for name in ("dagster", "airflow")
    ]
    comparison = compare(*sides)
    assert comparison.differences == ()
    assert [node for node in comparison.nodes if node.differences] == []
    assert len(comparison.nodes) == NODES
    assert {side.report.status for side in sides} == {"success"}
    assert {job: len(ticks) for job, ticks in sides[0].promises.ticks.items()} == {
        "mixed": 366,
        "hourly": 24 * 366,
    }
    assert sides[1].promises.retries["mixed"] == RetryPlan((5.0, 10.0))


def test_a_macro_that_asks_where_it_runs_is_found_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = product_folder("hello", tmp_path)
    (product / "macros").mkdir()
    (product / "macros" / "where_am_i.sql").write_text(
        "{% macro where_am_i() %}{{ env_var('AIRFLOW_HOME', '') != '' }}{% endmacro %}\n"
    )
    (product / "models" / "spies.sql").write_text(
        "select id, '{{ where_am_i() }}' as is_airflow from {{ ref('stg_people') }}"
    )
    monkeypatch.delenv("AIRFLOW_HOME", raising=False)
    shown = floe("parity", product, "--on", "dbt", "--on", "airflow", "--json")
    told = json.loads(shown.stdout)
    assert (shown.returncode, told["equal"]) == (1, False)
    differences = {i: n["differences"] for i, n in told["nodes"].items() if n["differences"]}
    assert differences == {"model.hello.spies": ["contents differ in is_airflow"]}
