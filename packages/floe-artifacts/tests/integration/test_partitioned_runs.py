"""A run that builds its nodes partition by partition has one result for each."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from partitioned_product import MODELS, PARTITIONS, TESTS, failing
from plain_shop import FLOE, MANIFEST
from reported_product import content, results_in
from warm_floe import dbt

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, RunParameters, build
from floe_core.schemas import CompiledArtifacts

FIRST_DAYS = "2026-11-01...2026-11-03"
DAYS = [[f"2026-11-0{n}T00:00:00+00:00", f"2026-11-0{n + 1}T00:00:00+00:00"] for n in (1, 2, 3)]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a product that built three days, one of them in a second attempt."""
    folder = tmp_path_factory.mktemp("days") / "product"
    (folder / "models").mkdir(parents=True)
    fails = failing(MODELS["daily"], {"2026-11-02": [1]})
    for name, sql in {**MODELS, "daily": fails}.items():
        (folder / "models" / f"{name}.sql").write_text(sql)
    (folder / "models" / "tests.yml").write_text(TESTS)
    (folder / "dbt_project.yml").write_text("name: shop\nversion: 1.0.0\nprofile: shop\n")
    (folder / "floe.yaml").write_text(FLOE + PARTITIONS + "artifacts: {to: written}\n")
    (folder / "manifest.yaml").write_text(MANIFEST.replace("plain", "dagster"))
    compile_product(folder)
    artifacts = CompiledArtifacts.load(folder)
    parameters = RunParameters(partitions=FIRST_DAYS)
    for attempt in (1, 2):
        list(build(artifacts, BuildRequest("shop", "1", attempt=attempt, parameters=parameters)))
        if attempt == 1:
            daily = results_in(folder / "written/shop/1")["model.shop.daily"]
            assert (daily["status"], "1 of 3 partitions failed" in daily["message"]) == (
                "error",
                True,
            )
    return folder


def test_each_node_has_one_result_as_of_one_build(product: Path) -> None:
    given = '{"min_date": "2026-11-01", "max_date": "2026-11-04", "day": "2026-11-03"}'
    times = ("--event-time-start", "2026-11-01", "--event-time-end", "2026-11-04")
    plain = ("--profiles-dir", ".", "--vars", given, *times, "--target-path", "../plain-target")
    dbt("build", "--full-refresh", *plain, cwd=product)
    ours, theirs = (
        results_in(product / "written/shop/1"),
        results_in(product.parent / "plain-target"),
    )
    names = ("status", "keys", "relation_name", "failures", "batch_results")
    assert {i: [row[name] for name in names] for i, row in ours.items()} == {
        i: [row[name] for name in names] for i, row in theirs.items()
    }
    assert ours["model.shop.by_day"]["batch_results"] == {"successful": DAYS, "failed": []}


def test_the_time_of_a_node_is_that_of_all_its_partitions(product: Path) -> None:
    rows = content(product / "written/shop/1", "run_results.json")["results"]
    by_day = next(row for row in rows if row["unique_id"] == "model.shop.by_day")
    [execute] = [phase for phase in by_day["timing"] if phase["name"] == "execute"]
    began, ended = (datetime.fromisoformat(execute[n]) for n in ("started_at", "completed_at"))
    # Other nodes were built between its partitions.
    assert 0 < by_day["execution_time"] < (ended - began).total_seconds()
