"""`floe plan` in its forms, on real dbt and a real DuckDB file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reusing_product import FLOE
from typer.testing import CliRunner

from floe_core.cli.main import app
from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, NodeResult, build
from floe_core.reuse.catalogs.catalog import CATALOGS
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]

TABLE = "{{ config(materialized='table') }}\n"
SCHEMA = "models: [{name: reads, columns: [{name: id, data_tests: [unique]}]}]"


@pytest.fixture
def folder(write_product: WriteProduct) -> Path:
    models = {
        "first": TABLE + "select 1 as id, '</script><!--' as text",
        "reads": TABLE + "select id from {{ ref('first') }}",
        "alone": TABLE + "select 2 as id",
    }
    made = write_product(floe=FLOE, **models)
    (made / "models" / "schema.yml").write_text(SCHEMA)
    return made


def run(folder: Path, run_id: str) -> list[NodeResult]:
    compile_product(folder)
    events = build(CompiledArtifacts.load(folder), BuildRequest(job="shop", run_id=run_id))
    return [event for event in events if isinstance(event, NodeResult)]


def floe(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def data_in(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_the_page_shows_what_is_built_and_why_and_what_earlier_runs_saved(folder: Path) -> None:
    first = run(folder, "one")
    run(folder, "two")
    (folder / "models" / "first.sql").write_text(TABLE + "select 3 as id, '' as text")
    page = folder / "plan.html"
    told = floe("plan", folder, "--html", page)
    data = data_in(page.read_text("utf-8"))
    nodes = {each["label"]: each for each in data["nodes"]}
    assert {label: (each["action"], each["why"]) for label, each in nodes.items()} == {
        "first": ("build", "its code changed"),
        "reads": ("build", "may be reused: depends on the content of first"),
        "alone": ("reuse", "unchanged since run one"),
    }
    of_reads = "may be reused: depends on the content of reads"
    assert [each["why"] for each in nodes["reads"]["tests"]] == [of_reads]
    assert nodes["first"]["tests"] == []
    assert nodes["first"]["diff"].splitlines() == [
        "--- run one",
        "+++ now",
        "@@ -1 +1 @@",
        "-select 1 as id, '</script><!--' as text",
        "+select 3 as id, '' as text",
    ]
    assert {nodes["reads"]["diff"], nodes["alone"]["diff"]} == {""}
    assert re.fullmatch(r"3 to build, 1 reused, \d\.\d s and 1 row of building saved\n", told)
    seconds = sum(each.seconds for each in first)
    assert [(each["run_id"], each["built"], each["reused"]) for each in data["history"]] == [
        ("one", 4, 0),
        ("two", 0, 4),
    ]
    assert data["history"][1]["saved_seconds"] == pytest.approx(seconds, abs=0.02)


def test_the_page_is_drawn_whatever_a_node_is_called(folder: Path) -> None:
    page = folder / "plan.html"
    floe("plan", folder, "--html", page)
    text = page.read_text("utf-8")
    assert "@" not in re.sub(r"(?s)<script>.*?</script>|<style>.*?</style>", "", text)
    assert len(data_in(text)["nodes"]) == 3


def test_markdown_has_what_is_built_and_how_long_it_took(folder: Path) -> None:
    run(folder, "one")
    (folder / "models" / "alone.sql").write_text(TABLE + "select 3 as id")
    lines = floe("plan", folder, "--markdown").splitlines()
    assert lines[0].startswith("### shop: 1 to build, 3 reused, ")
    assert lines[2:4] == ["| node | why it is built | last build |", "| --- | --- | ---: |"]
    assert re.fullmatch(r"\| `model\.shop\.alone` \| its code changed \| \d+\.\d s \|", lines[4])
    assert lines[5:] == [
        "",
        "<details><summary><code>model.shop.alone</code></summary>",
        "",
        "```diff",
        "--- run one",
        "+++ now",
        "@@ -1 +1 @@",
        "-select 2 as id",
        "+select 3 as id",
        "```",
        "",
        "</details>",
    ]


def test_code_that_changed_is_shown_without_what_means_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A comment is no change, a secret is not kept, and long code is cut in the terminal."""
    monkeypatch.setenv("API_TOKEN", "not-for-everybody")
    columns = [f"'{{{{ env_var(\"API_TOKEN\") }}}}' as c{i}" for i in range(30)]
    (folder / "models" / "first.sql").write_text(TABLE + "select 1 as id,\n" + ",\n".join(columns))
    run(folder, "one")
    assert "not-for-everybody" not in (folder / ".floe" / "reuse.json").read_text()
    (folder / "models" / "alone.sql").write_text(TABLE + "select 2 as id -- as before")
    shorter = ",\n".join([*columns[:3], *("'[x]' as d" + str(i) for i in range(9)), *columns[9:]])
    (folder / "models" / "first.sql").write_text(TABLE + "select 1 as id,\n" + shorter)
    told = floe("plan", folder)
    assert "not-for-everybody" not in told
    lines = told.splitlines()
    first = next(i for i, line in enumerate(lines) if " first " in line)
    assert [line.strip()[:8] for line in lines[first + 1 : first + 3]] == ["@@ -2,12", "'***' as"]
    assert lines[first + 21].strip() == "2 more lines, see --json"
    nodes = json.loads(floe("plan", folder, "--json"))["nodes"]
    assert nodes["model.shop.first"]["diff"].count("\n+'[x]'") == 9
    assert (nodes["model.shop.alone"]["diff"], nodes["model.shop.alone"]["rows"]) == ("", 1)


def test_the_history_is_that_of_the_journals(folder: Path) -> None:
    ran = [run(folder, "one"), run(folder, "two")]
    (folder / "models" / "alone.sql").write_text(TABLE + "select 3 as id")
    ran.append(run(folder, "three"))
    rows = json.loads(floe("plan", folder, "--history", "--json"))
    assert [row["run_id"] for row in rows] == ["one", "two", "three"]
    assert [(row["built"], row["reused"]) for row in rows] == [(4, 0), (0, 4), (1, 3)]
    took = {each.unique_id: each.seconds for each in ran[0]}
    left_out = sum(s for node_id, s in took.items() if node_id != "model.shop.alone")
    assert rows[1]["saved_seconds"] == pytest.approx(sum(took.values()), abs=0.02)
    # Tables of one row each; the test has none.
    assert [row["saved_rows"] for row in rows] == [0, 3, 2]
    assert rows[2]["saved_seconds"] == pytest.approx(left_out, abs=0.02)
    assert rows[0]["build_seconds"] == pytest.approx(sum(took.values()), abs=0.02)
    assert floe("plan", folder, "--history").splitlines()[-1].startswith("3 runs: ")


def test_the_history_of_a_product_without_runs_is_empty(folder: Path) -> None:
    compile_product(folder)
    assert json.loads(floe("plan", folder, "--history", "--json")) == []
    assert floe("plan", folder, "--history") == "0 runs: 0.0 s of building, 0.0 s saved\n"


def test_a_history_takes_nothing_that_is_for_a_plan(folder: Path) -> None:
    compile_product(folder)
    done = CliRunner().invoke(app, ["plan", str(folder), "--history", "--select", "first"])
    assert done.exit_code != 0


def test_on_a_warehouse_that_reuse_does_not_know_all_is_built_and_why_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "seeds").mkdir(exist_ok=True)
    (folder / "seeds" / "days.csv").write_text("day\n1\n")
    run(folder, "one")
    monkeypatch.delitem(CATALOGS.points, "duckdb")
    told = json.loads(floe("plan", folder, "--json"))
    assert {node["action"] for node in told["nodes"].values()} == {"build"}
    assert "reuse cannot read the state of duckdb" in told["problem"]


def test_a_warehouse_that_cannot_be_read_is_told_once(folder: Path) -> None:
    run(folder, "one")
    (folder / "shop.duckdb").write_text("no database")
    told = floe("plan", folder, "--markdown")
    assert told.count("shop.duckdb") == 1
    assert told.count("| the warehouse could not be read |") == 4
    plan = json.loads(floe("plan", folder, "--json"))
    assert plan["problem"].startswith("the warehouse could not be read: ")
    assert {each["why"] for each in plan["nodes"].values()} == {"the warehouse could not be read"}
