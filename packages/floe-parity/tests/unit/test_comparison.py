"""What differs between two sides is found, told with its cause, and shown on the page."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from floe_core.plugin_api.powers import RetryPlan, RunReport
from floe_core.runs.build_events import NodeResult
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.warehouse.table_contents import TableContents, read_tables, table_differences
from floe_parity.comparison import compare
from floe_parity.html_report import html_report
from floe_parity.sides.promises import Promises
from floe_parity.sides.side import Side

ARTIFACTS = CompiledArtifacts.model_validate(
    {
        "product": {"name": "shop", "version": "1.0.0", "description": "A <b>shop</b>"},
        "orchestrator": {"name": "one"},
        "dbt": {
            "project_name": "shop",
            "profile_name": "shop",
            "target_name": "default",
            "adapter": "duckdb",
            "version": "1.11.0",
        },
        "nodes": [
            {"unique_id": "model.shop.a", "name": "a", "resource_type": "model", "package": "shop"},
            {"unique_id": "test.shop.t", "name": "t", "resource_type": "test", "package": "shop"},
        ],
        "jobs": [{"name": "shop"}],
    }
)
TABLE = TableContents(2, (("id", "INTEGER", 11), ("name", "VARCHAR", 22)), 33)


def side(name: str) -> Side:
    nodes = {
        "model.shop.a": NodeResult("model.shop.a", "success", 0.5),
        "test.shop.t": NodeResult("test.shop.t", "pass", failures=0),
    }
    report = RunReport("success", f"run-of-{name}", 1.0, nodes)
    return Side(
        name, ARTIFACTS, report, {"model.shop.a": TABLE}, Counter({"COMPLETE shop.a {}": 1})
    )


def with_result(changed: Side, result: NodeResult) -> Side:
    nodes = {**changed.report.nodes, result.unique_id: result}
    return replace(changed, report=replace(changed.report, nodes=nodes))


def test_equal_sides_are_equal_whatever_they_took() -> None:
    other = with_result(side("two"), NodeResult("model.shop.a", "success", 99.0))
    comparison = compare(side("one"), other)
    assert comparison.is_equal
    assert "The same on one and two: 2 nodes compared" in html_report(comparison)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (None, "no table on two"),
        (TableContents(missing=True), "no table on two"),
        (replace(TABLE, rows=3), "2 rows on one, 3 on two"),
        (
            replace(TABLE, columns=(("id", "INTEGER", 11), ("name", "VARCHAR", 23))),
            "contents differ in name",
        ),
        (
            replace(TABLE, columns=(("id", "BIGINT", 11), TABLE.columns[1])),
            "id is INTEGER on one, BIGINT on two",
        ),
        (replace(TABLE, columns=TABLE.columns[:1]), "no column name on two"),
        (replace(TABLE, columns=TABLE.columns[::-1]), "columns in another order on two"),
        (replace(TABLE, row_hash=34), "contents differ in how the columns' values are paired"),
    ],
)
def test_a_table_that_differs_is_told_with_its_cause(
    table: TableContents | None, told: str
) -> None:
    tables = {} if table is None else {"model.shop.a": table}
    comparison = compare(side("one"), replace(side("two"), tables=tables))
    assert not comparison.is_equal
    assert [node.differences for node in comparison.nodes if node.differences] == [(told,)]
    assert told.replace("'", "&#x27;") in html_report(comparison)


def test_one_row_is_a_row() -> None:
    found = table_differences(("one", "two"), replace(TABLE, rows=1), replace(TABLE, rows=3))
    assert found == ["1 row on one, 3 on two"]


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (NodeResult("test.shop.t", "fail", failures=2), "pass on one, fail on two"),
        (NodeResult("model.shop.a", "skipped"), "success on one, skipped on two"),
        (NodeResult("test.shop.other", "pass", failures=0), "absent on one, pass on two"),
    ],
)
def test_a_status_that_differs_is_told(result: NodeResult, told: str) -> None:
    comparison = compare(side("one"), with_result(side("two"), result))
    assert [node.differences for node in comparison.nodes if node.differences] == [(told,)]


def test_runs_graphs_jobs_and_lineage_that_differ_are_told() -> None:
    two = side("two")
    artifacts = ARTIFACTS.model_copy(update={"nodes": ARTIFACTS.nodes[:1], "jobs": ()})
    report = replace(two.report, status="failed")
    changed = replace(
        two, artifacts=artifacts, report=report, events=Counter({"FAIL shop.a {}": 1})
    )
    told = " ".join(compare(side("one"), changed).differences)
    for part in ("success on one, failed on two", "the graph:", "the jobs:", "lineage"):
        assert part in told


def test_the_page_escapes_what_people_wrote() -> None:
    page = html_report(compare(side("one"), side("two")))
    assert "A &lt;b&gt;shop&lt;/b&gt;" in page
    assert "http" not in page, "the page fetches nothing"


SIX, SEVEN = (datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in (6, 7))


def test_other_ticks_and_other_retries_are_found() -> None:
    one = replace(
        side("one"), promises=Promises({"shop": (SIX,)}, {"shop": RetryPlan((5.0, 10.0), "slow")})
    )
    two = replace(side("two"), promises=Promises({"shop": (SEVEN,)}, {"shop": RetryPlan()}))
    assert compare(one, two).differences == (
        "the ticks of job 'shop': 1 on one alone, such as 2026-01-01 06:00 UTC",
        "the ticks of job 'shop': 1 on two alone, such as 2026-01-01 07:00 UTC",
        "what follows a failure of job 'shop': retries after 5, 10 s, pool slow on one "
        "and no retry, pool none on two",
    )


def test_what_an_orchestrator_cannot_be_asked_is_no_difference() -> None:
    one = replace(side("one"), promises=Promises({"shop": (SIX,)}))
    assert compare(one, side("two")).is_equal


def test_a_macro_of_the_user_does_not_hide_a_difference(tmp_path: Path) -> None:
    """DuckDB lets one take the place of a function that floe compares tables with."""
    macros = (
        "create macro hash(a) as 1, (a, b) as 2",
        "create macro encode(a) as 1",
        "create macro signbit(a) as true",
    )
    found = [table_contents(tmp_path, f"{value}.duckdb", value, *macros) for value in ("a", "b")]
    assert found[0] != found[1]
    assert table_contents(tmp_path, "plain.duckdb", "a") == found[0]


def table_contents(folder: Path, file: str, value: str, *statements: str) -> TableContents:
    with duckdb.connect(str(folder / file)) as connection:
        for statement in (*statements, f"create table a as select 1 as id, '{value}' as word"):
            connection.execute(statement)
    told = ARTIFACTS.model_dump()
    told["dbt"]["profile"] = {"type": "duckdb", "path": file}
    told["nodes"] = [{**told["nodes"][0], "schema_name": "main", "identifier": "a"}]
    return read_tables(CompiledArtifacts.model_validate(told).bound_to(folder))["model.shop.a"]


def test_a_volatile_column_is_left_out_of_a_tables_contents(tmp_path: Path) -> None:
    def contents(moment: str, volatile: bool) -> TableContents:
        file = f"{moment}{volatile}.duckdb"
        with duckdb.connect(str(tmp_path / file)) as connection:
            connection.execute(f"create table a as select 1 as id, '{moment}' as loaded_at")
        columns = [{"name": "id"}, {"name": "LOADED_AT", "volatile": volatile}]
        place = {"schema_name": "main", "identifier": "a", "columns": columns}
        told = ARTIFACTS.model_dump()
        told["dbt"]["profile"] = {"type": "duckdb", "path": file}
        told["nodes"] = [{**told["nodes"][0], **place}]
        return read_tables(CompiledArtifacts.model_validate(told).bound_to(tmp_path))[
            "model.shop.a"
        ]

    assert contents("now", volatile=True) == contents("then", volatile=True)
    assert contents("now", volatile=False) != contents("then", volatile=False)


def with_dbt(changed: Side, version: str) -> Side:
    dbt = changed.artifacts.dbt.model_copy(update={"version": version})
    return replace(changed, artifacts=changed.artifacts.model_copy(update={"dbt": dbt}))


def test_two_dbts_may_say_the_same_in_other_words() -> None:
    """Of their lineage the kinds of events and the jobs are compared."""
    ours, theirs = with_dbt(side("one"), "1.11.0"), with_dbt(side("two"), "2.0.0")
    more = replace(theirs, events=Counter({'COMPLETE shop.a {"rows": 1}': 1}))
    assert compare(ours, more).is_equal
    other = replace(theirs, events=Counter({"FAIL shop.a {}": 1}))
    assert compare(ours, other).differences == (
        "the lineage events: 1 on one alone, such as COMPLETE of shop.a",
        "the lineage events: 1 on two alone, such as FAIL of shop.a",
    )


NUMBERS = CompiledArtifacts.model_validate(
    {
        **ARTIFACTS.model_dump(),
        "nodes": [
            {"unique_id": "seed.shop.s", "name": "s", "resource_type": "seed", "package": "shop"},
            {
                "unique_id": "model.shop.a",
                "name": "a",
                "resource_type": "model",
                "package": "shop",
                "depends_on": ["seed.shop.s"],
            },
            {"unique_id": "model.shop.b", "name": "b", "resource_type": "model", "package": "shop"},
        ],
    }
)


def numbers(name: str, version: str, kind: str) -> Side:
    table = TableContents(1, (("id", kind, 11),), 33)
    ids = ("seed.shop.s", "model.shop.a", "model.shop.b")
    report = RunReport("success", "run", 1.0, {i: NodeResult(i, "success") for i in ids})
    return with_dbt(Side(name, NUMBERS, report, dict.fromkeys(ids, table)), version)


def test_what_two_dbts_make_of_numbers_in_seeds_is_the_cause_of_what_reads_them() -> None:
    compared = compare(numbers("one", "1.11.0", "INTEGER"), numbers("two", "2.0.0", "BIGINT"))
    causes = {node.node_id: node.differences[1:] for node in compared.nodes}
    seeds = "dbt 1 makes INTEGER of the whole numbers of a seed, dbt 2 makes BIGINT"
    assert causes == {
        "seed.shop.s": (f"cause: {seeds}",),
        "model.shop.a": (f"cause: it reads seed.shop.s, where {seeds}",),
        "model.shop.b": (),
    }


def test_one_dbt_has_no_such_cause() -> None:
    compared = compare(numbers("one", "1.10.0", "INTEGER"), numbers("two", "1.11.0", "BIGINT"))
    assert [len(node.differences) for node in compared.nodes] == [1, 1, 1]
