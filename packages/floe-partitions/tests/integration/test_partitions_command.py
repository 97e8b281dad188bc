"""`floe partitions` shows what runs have built, and `floe run --backfill` builds what is left."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from partitioned_product import MODELS, PARTITIONS, failing
from plain_shop import FLOE
from warm_floe import floe

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, RunParameters, build
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]
DAYS = ["2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04"]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a product with a day that is done, one that failed, a stale and a missing one."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "models").mkdir()
    fails = failing(MODELS["daily"], {"2026-11-02": [1]})
    for name, sql in {**MODELS, "daily": fails}.items():
        (folder / "models" / f"{name}.sql").write_text(sql)
    (folder / "dbt_project.yml").write_text("name: shop\nversion: 1.0.0\nprofile: shop\n")
    (folder / "floe.yaml").write_text(FLOE + PARTITIONS)
    (folder / "manifest.yaml").write_text(
        "apiVersion: floe.dev/v1\nkind: Manifest\nmetadata: {name: platform, version: 1.0.0}\n"
        "plugins: {orchestrator: {type: dagster}, compute: {type: duckdb}}\n"
    )
    compile_product(folder)
    artifacts = CompiledArtifacts.load(folder)
    for run_id, days, nodes in (
        ("1", "2026-11-01...2026-11-03", None),
        ("2", "2026-11-03", ("model.shop.daily",)),
    ):
        parameters = RunParameters(partitions=days)
        list(build(artifacts, BuildRequest("shop", run_id, nodes, parameters=parameters)))
    return folder


def shown(product: Path, *options: str) -> str:
    return floe("partitions", str(product), "--to", "2026-11-04", *options).stdout


def test_the_grid_has_a_mark_for_each_partition(product: Path) -> None:
    title, *lines = shown(product).splitlines()
    assert title.startswith("shop: 4 partitions by day, UTC, 2026-11-01 to 2026-11-04")
    assert lines == [
        "  by_day  ███·",
        "  daily   █X█·",
        "  wide    █·▒·",
        "  █ done  X failed  · missing  ▒ stale",
        "  by_day: 3 of 4 done, 1 missing",
        "  daily: 2 of 4 done, 1 failed, 1 missing",
        "  wide: 1 of 4 done, 2 missing, 1 stale",
    ]


def test_json_and_page_have_the_same_states(product: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    found = json.loads(shown(product, "--json", "--html", str(page)))
    wide = found["nodes"]["model.shop.wide"]
    assert wide == {
        "counts": {"done": 1, "failed": 0, "missing": 2, "stale": 1},
        "partitions": dict(zip(DAYS, ["done", "missing", "stale", "missing"], strict=True)),
    }
    text = page.read_text()
    data = json.loads(text.split('id="data">')[1].split("</script>")[0])
    assert {row["name"]: row["states"] for row in data["rows"]} == {
        "by_day": "dddm",
        "daily": "dfdm",
        "wide": "dmsm",
    }
    assert data["rows"][1]["builds"]["2026-11-03"][:2] == ["2", 1]


def test_a_selection_and_an_end_narrow_it(product: Path) -> None:
    found = json.loads(shown(product, "--json", "--select", "daily", "--from", "2026-11-02"))
    assert list(found["nodes"]) == ["model.shop.daily"]
    assert list(found["nodes"]["model.shop.daily"]["partitions"]) == DAYS[1:]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--from", "2026-10-01"], "--from: 2026-10-01 is before the first partition, 2026-11-01"),
        (["--to", "November"], "--to: 'November' is no partition: a day is written 2026-11-03"),
        (["--from", "2026-11-04", "--to", "2026-11-02"], "--from 2026-11-04 is after --to 2026-"),
    ],
)
def test_a_partition_that_is_none_is_refused(product: Path, options: list[str], text: str) -> None:
    done = floe("partitions", str(product), *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert text in done.stderr


def declared(product: Path, *changes: tuple[str, str]) -> dict[str, Any]:
    """Return what is shown with another declaration."""
    text = (product / "floe.yaml").read_text()
    changed = reduce(lambda now, change: now.replace(*change), changes, text)
    try:
        (product / "floe.yaml").write_text(changed)
        found: dict[str, Any] = json.loads(floe("partitions", str(product), "--json").stdout)
    finally:
        (product / "floe.yaml").write_text(text)
    return found


def test_states_of_another_declaration_are_named(product: Path) -> None:
    daily_alone = ("select: daily by_day wide", "select: daily")
    found = declared(product, ("by: day", "by: month"), daily_alone)
    assert found["by"] == "month"
    assert found["notes"][0].endswith("also has states of other declarations: day-UTC")


def test_states_before_a_start_that_was_moved_are_named(product: Path) -> None:
    found = declared(product, ("start: 2026-11-01", "start: 2026-11-03"))
    assert next(iter(found["nodes"]["model.shop.daily"]["partitions"])) == "2026-11-03"
    assert found["notes"] == ["5 states are of partitions before 2026-11-03, the start"]


def test_the_current_partition_is_shown_if_runs_build_it(product: Path) -> None:
    before = datetime.now(UTC).date().isoformat()
    found = declared(product, ("by: day", "by: day\n  builds: current"))
    assert [*found["nodes"]["model.shop.daily"]["partitions"]][-1] >= before


def test_a_product_without_partitions_says_so(write_product: WriteProduct) -> None:
    folder = write_product()
    manifest = folder / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("plain", "dagster"))
    done = floe("partitions", str(folder))
    assert done.returncode == 2
    assert "shop has no partitions: declare `partitions` in floe.yaml" in done.stderr


def test_a_backfill_builds_what_is_failed_missing_or_stale_alone(product: Path) -> None:
    """Each makes the grid better; the last finds nothing to do."""
    days = ["--backfill", "2026-11-01", "2026-11-04"]
    built = []
    for flag in ("--stale", "--failed", "--missing", "--missing"):
        done = floe("run", str(product), *days, flag, "--json")
        by_node = json.loads(done.stdout).get("partitions", {})
        built.append(sorted({key for by_key in by_node.values() for key in by_key}))
    # The failed day fails again in a first attempt, and what reads it is missing.
    assert built == [["2026-11-03"], ["2026-11-02"], ["2026-11-02", "2026-11-04"], ["2026-11-02"]]
    assert shown(product).splitlines()[1:4] == [
        "  by_day  ████",
        "  daily   █X██",
        "  wide    █·██",
    ]
    (product / "models" / "daily.sql").write_text(MODELS["daily"])
    assert floe("run", str(product), *days, "--failed").returncode == 0
    # The code of the node has changed.
    assert shown(product).splitlines()[2] == "  daily   ▒█▒▒"
    assert floe("run", str(product), *days, "--stale").returncode == 0
    assert shown(product).splitlines()[1:4] == [
        "  by_day  ████",
        "  daily   ████",
        "  wide    ████",
    ]
    done = floe("run", str(product), *days, "--stale")
    assert (done.returncode, done.stdout) == (0, "")
    assert "no partition there is to be built" in done.stderr


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--failed"], "--failed chooses among the partitions of --backfill FROM TO: add it"),
        (
            ["--backfill", "2026-11-01", "2026-11-02", "--failed", "--stale"],
            "--failed and --stale: give one of them",
        ),
        (["--backfill", "2026-11-03", "2026-11-01"], "the range is backward"),
        (["--partition", "2199-01-01"], "partition 2199-01-01 is in the future"),
        (["--partition", "2026-11-01", "--full-refresh"], "--full-refresh would keep the named"),
        (
            ["--partition", "2026-11-01", "--backfill", "2026-11-01", "2026-11-02"],
            "--backfill names the partitions itself: leave out --partition",
        ),
    ],
)
def test_a_run_of_partitions_that_cannot_be_is_refused(
    product: Path, options: list[str], text: str
) -> None:
    done = floe("run", str(product), *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert text in done.stderr
