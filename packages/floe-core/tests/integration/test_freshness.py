"""The freshness of sources in a build, against what `dbt source freshness` says by itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, build, failure_of_build
from floe_core.runs.build_events import BuildEnded, BuildEvent, NodeResult
from floe_core.schemas import CompiledArtifacts
from floe_parity.sides.plain_dbt import run_plain_dbt

WriteProduct = Callable[..., Path]

FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0}
platform: {manifest: manifest.yaml}
execution: {freshness: POLICY}
"""
SOURCES = """\
sources:
  - name: raw
    schema: main
    config:
      loaded_at_field: loaded
      freshness: {warn_after: {count: 1, period: day}, error_after: {count: 2, period: day}}
    tables:
      - {name: fresh}
      - {name: late}
      - {name: stale}
      - {name: broken, config: {loaded_at_field: no_such_column}}
      - {name: unread}
      - {name: unmeasured, config: {freshness: null}}
"""
TABLES = {"fresh": 0, "late": 30, "stale": 120, "broken": 0, "unread": 0, "unmeasured": 900}
MODELS = {
    **{f"of_{name}": f"select * from {{{{ source('raw', '{name}') }}}}" for name in TABLES},
    "below": "select * from {{ ref('of_stale') }}",
}
del MODELS["of_unread"]


@pytest.fixture
def shop(write_product: WriteProduct) -> Callable[..., CompiledArtifacts]:
    """Return a function that compiles the product, its sources loaded some hours ago."""

    def make(policy: str, more: str = "") -> CompiledArtifacts:
        folder = write_product(floe=FLOE.replace("POLICY", policy) + more, **MODELS)
        (folder / "models/sources.yml").write_text(SOURCES)
        with duckdb.connect(str(folder / "shop.duckdb")) as warehouse:
            for name, hours in TABLES.items():
                loaded = f"(now() - interval {hours} hour)::timestamp"
                warehouse.execute(f"create table {name} as select 1 as id, {loaded} as loaded")
        return compile_product(folder)

    return make


Shop = Callable[..., CompiledArtifacts]


def results(artifacts: CompiledArtifacts, **request: object) -> dict[str, NodeResult]:
    events = list(build(artifacts, BuildRequest("shop", "one", **request)))  # type: ignore[arg-type]
    return of_nodes(events)


def of_nodes(events: list[BuildEvent]) -> dict[str, NodeResult]:
    ended = [event for event in events if isinstance(event, NodeResult)]
    return {".".join(e.unique_id.split(".")[2:]): e for e in ended}


def measured_by_dbt(artifacts: CompiledArtifacts) -> dict[str, str]:
    """Return source -> the status that dbt gives it."""
    places = ["--project-dir", artifacts.folder, "--profiles-dir", artifacts.folder]
    dbt = Path(sys.executable).parent / "dbt"
    subprocess.run(
        [dbt, "source", "freshness", *places, "--quiet"], cwd=artifacts.folder, check=False
    )
    told = json.loads((artifacts.folder / "target/sources.json").read_text())["results"]
    return {each["unique_id"].split(".", 2)[2]: each["status"] for each in told}


def statuses(found: dict[str, NodeResult]) -> dict[str, str]:
    return {name: result.status for name, result in found.items()}


MEASURED = {"fresh": "pass", "late": "warn", "stale": "error", "unread": "pass"}


def test_a_stale_source_holds_back_what_reads_it(shop: Shop) -> None:
    artifacts = shop("gate")
    found = results(artifacts)
    assert statuses(found) == {
        "raw.fresh": "pass",
        "raw.late": "warn",
        "raw.stale": "fail",
        "raw.broken": "error",
        "raw.unread": "pass",
        "of_fresh": "success",
        "of_late": "success",
        "of_unmeasured": "success",
        **dict.fromkeys(("of_stale", "below", "of_broken"), "skipped"),
    }
    dbts = {f"raw.{name}": status for name, status in MEASURED.items()}
    # What can't be measured is not in dbt's file.
    assert measured_by_dbt(artifacts) == dbts
    assert found["raw.stale"].message.startswith("last loaded 5 days ago, at ")
    assert found["raw.stale"].message.endswith("; error_after is 2 days")
    assert found["raw.late"].message.endswith("; warn_after is 1 day")
    assert "no_such_column" in found["raw.broken"].message


def test_a_stale_source_that_is_only_reported_is_a_warning(shop: Shop) -> None:
    found = statuses(results(shop("report")))
    assert {found[f"raw.{name}"] for name in ("stale", "late", "broken")} == {"warn"}
    assert {found[name] for name in MODELS} == {"success"}


def test_a_stale_source_is_a_verdict_that_no_retry_changes(shop: Shop) -> None:
    artifacts = shop("gate")
    request = BuildRequest(
        "shop", "one", node_ids=("freshness.shop.raw.stale", "model.shop.of_stale")
    )
    events = list(build(artifacts, request))
    end = events[-1]
    assert isinstance(end, BuildEnded)
    assert not failure_of_build(artifacts, request, end).may_retry
    assert statuses(of_nodes(events)) == {"raw.stale": "fail", "of_stale": "skipped"}


def test_what_is_selected_brings_the_freshness_of_its_sources(shop: Shop) -> None:
    from floe_core.runs.run_parameters import RunParameters

    jobs = "jobs:\n  - {name: part, select: of_late}\n"
    artifacts = shop("gate", jobs)
    assert artifacts.job("part").node_ids == ("freshness.shop.raw.late", "model.shop.of_late")
    found = results(artifacts, parameters=RunParameters(select="of_fresh"))
    assert statuses(found) == {"raw.fresh": "pass", "of_fresh": "success"}


def test_a_source_with_dots_in_its_names_is_measured(write_product: WriteProduct) -> None:
    folder = write_product(
        floe=FLOE.replace("POLICY", "report"),
        of_it="select * from {{ source('raw.eu', 'v1.loads') }}",
    )
    tables = "[{name: fresh}, {name: v1.loads, identifier: loads}]"
    sources = SOURCES.partition("    tables:")[0].replace("name: raw", "name: raw.eu")
    (folder / "models/sources.yml").write_text(f"{sources}    tables: {tables}\n")
    with duckdb.connect(str(folder / "shop.duckdb")) as warehouse:
        for name in ("fresh", "loads"):
            warehouse.execute(f"create table {name} as select 1 as id, now()::timestamp as loaded")
    found = results(compile_product(folder))
    assert statuses(found) == {
        "raw.eu.fresh": "pass",
        "raw.eu.v1.loads": "pass",
        "of_it": "success",
    }


def test_without_the_policy_there_is_none(shop: Shop) -> None:
    artifacts = shop("'off'")
    assert [node for node in artifacts.nodes if node.is_freshness] == []
    assert set(statuses(results(artifacts)).values()) == {"success"}


def test_the_freshness_of_what_a_step_writes_is_measured_after_it(shop: Shop) -> None:
    step = (
        'steps:\n  - name: refill\n    writes: [raw.stale]\n    command: [python, -c, "import duckdb, '
        "os; duckdb.connect(os.environ['FLOE_WAREHOUSE_FILE']).execute('update stale set loaded = "
        "now()::timestamp')\"]\n"
    )
    found = statuses(results(shop("gate", step)))
    assert found["refill"] == "success"
    assert found["raw.stale"] == "pass"
    assert found["below"] == "success"


def test_a_dbt_of_the_products_own_measures_as_well(shop: Shop) -> None:
    own = Path(sys.executable).parent / "dbt"
    artifacts = shop(f"gate, dbtExecutable: {own}")
    assert statuses(results(artifacts))["raw.stale"] == "fail"


@pytest.mark.parametrize("policy", ["gate", "report"])
def test_statuses_are_those_of_plain_dbt(shop: Shop, policy: str) -> None:
    artifacts = shop(policy)
    report, _ = run_plain_dbt(artifacts, lambda event: None)
    plain = {i.split(".", 2)[2]: result.status for i, result in report.nodes.items()}
    assert plain == statuses(results(artifacts))
    assert report.status == ("failed" if policy == "gate" else "success")
