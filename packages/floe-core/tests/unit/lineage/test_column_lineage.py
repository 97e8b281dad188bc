"""The column lineage that events get on their way from the spool to the backend."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from floe_core.lineage import facets
from floe_core.lineage.column_lineage import ColumnLineage
from floe_core.lineage.facets import LineageJob, run_event
from floe_core.lineage.naming import run_id_from
from floe_core.lineage.sending.delivery import with_notes
from floe_core.lineage.sending.delivery_status import flush, status
from floe_core.schemas.policies import LineageSettings
from floe_core.storage.spooling.spool import Spool

from .conftest import Backend
from .product import START
from .specification import faults

Event = dict[str, Any]
WAREHOUSE = "postgres://db:5432"


def dataset(name: str, *columns: str) -> Event:
    schema = facets.schema([{"name": each, "type": "text"} for each in columns])
    return {"namespace": WAREHOUSE, "name": name, "facets": {"schema": schema} if columns else {}}


def completed(output: Event, sql: str, *inputs: Event, kind: str = "MODEL", **more: Any) -> Event:
    job_facets = {"jobType": facets.job_type("DBT", kind)}
    if sql:
        job_facets["sql"] = facets.sql(sql, more.get("dialect", "duckdb"))
    job = LineageJob("floe", f"shop.{output['name']}", job_facets)
    run_id = run_id_from(output["name"])
    return run_event("COMPLETE", START, run_id, {}, job, inputs, [output])


SEED = completed(dataset("shop.main.raw", "id", "cents"), "", kind="SEED")
STAGED = completed(
    dataset("shop.main.staged"),
    'select id, cents / 100 as amount, 1 as one from "shop"."main"."raw" where cents > 0',
    dataset("shop.main.raw"),
)
STARRED = completed(
    dataset("shop.main.starred"),
    'with staged as (select * from "shop"."main"."staged") select *, one + 1 as two from staged',
    dataset("shop.main.staged"),
)
RUN = [SEED, STAGED, STARRED]


def origins(event: Event) -> dict[str, list[str]] | None:
    """Return column -> its origins in an event, None of one without column lineage."""
    facet = event["outputs"][0]["facets"].get("columnLineage")
    if facet is None:
        return None
    return {
        column: [f"{each['name']}.{each['field']}" for each in origin["inputFields"]]
        for column, origin in facet["fields"].items()
    }


def test_a_model_tells_where_its_columns_come_from(tmp_path: Path) -> None:
    event = ColumnLineage(tmp_path).add_to(STAGED)
    raw = {"namespace": WAREHOUSE, "name": "shop.main.raw"}
    assert event["outputs"][0]["facets"]["columnLineage"] == facets.column_lineage(
        {
            "id": {
                "inputFields": [
                    {
                        **raw,
                        "field": "id",
                        "transformations": [{"type": "DIRECT", "subtype": "IDENTITY"}],
                    }
                ]
            },
            "amount": {
                "inputFields": [
                    {
                        **raw,
                        "field": "cents",
                        "transformations": [{"type": "DIRECT", "subtype": "TRANSFORMATION"}],
                    }
                ]
            },
        },
        [
            {
                **raw,
                "field": "cents",
                "transformations": [{"type": "INDIRECT", "subtype": "FILTER"}],
            }
        ],
    )
    assert faults(event) == []


def test_a_star_takes_the_columns_that_were_learnt_of_the_models_above(tmp_path: Path) -> None:
    told = [ColumnLineage(tmp_path).add_to(event) for event in RUN]
    assert origins(told[2]) == {
        "id": ["shop.main.staged.id"],
        "amount": ["shop.main.staged.amount"],
        "one": ["shop.main.staged.one"],
        "two": ["shop.main.staged.one"],
    }


def test_a_snapshot_has_columns_beside_those_it_takes(tmp_path: Path) -> None:
    lineage = ColumnLineage(tmp_path)
    snapshot = completed(
        dataset("shop.main.history"),
        'select * from "shop"."main"."staged"',
        dataset("shop.main.staged"),
        kind="SNAPSHOT",
    )
    reader = completed(
        dataset("shop.main.current"),
        'select id, dbt_valid_to from "shop"."main"."history"',
        dataset("shop.main.history"),
    )
    told = [lineage.add_to(event) for event in (*RUN, snapshot, reader)]
    assert origins(told[-1]) == {
        "id": ["shop.main.history.id"],
        "dbt_valid_to": ["shop.main.history.dbt_valid_to"],
    }


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("select id from", "duckdb"),
        ('select id from "shop"."main"."another"', "duckdb"),
        ('select id from "shop"."main"."raw"' + facets.SQL_CUT_SHORT, "duckdb"),
        ('select id from "shop"."main"."raw"', "trino"),
        ("summarize shop.main.raw", "duckdb"),
        ("(" * 3000 + "select 1" + ")" * 3000, "duckdb"),
        ("", "duckdb"),
    ],
)
def test_what_is_not_understood_is_left_out(sql: str, dialect: str, tmp_path: Path) -> None:
    event = completed(
        dataset("shop.main.staged"), sql, dataset("shop.main.raw", "id"), dialect=dialect
    )
    assert ColumnLineage(tmp_path).add_to(event) == event


def test_the_backend_gets_the_same_though_it_failed_at_first(
    project_dir: Path, backend: Backend
) -> None:
    spool = Spool(project_dir)
    for event in RUN:
        spool.append(event)
    backend.behave = lambda number: 500 if number in (1, 2, 4) else 201
    settings = LineageSettings(config={"url": backend.url})
    while flush(project_dir, settings, 0.1).waiting:
        pass
    assert backend.requests == 6
    undisturbed = ColumnLineage(project_dir / "another")
    expected = [origins(undisturbed.add_to(event)) for event in RUN]
    assert [origins(event) for event in backend.events] == expected


def test_an_event_is_sent_without_columns_where_they_cannot_be_kept(
    project_dir: Path, backend: Backend
) -> None:
    Spool(project_dir).append(STAGED)
    (project_dir / ".floe" / "lineage" / "columns").write_text("no folder")
    flush(project_dir, LineageSettings(config={"url": backend.url}), 5)
    assert [origins(event) for event in backend.events] == [None]
    assert status(project_dir).waiting == 0


def test_what_was_learnt_is_on_disk_as_it_was_told(tmp_path: Path) -> None:
    ColumnLineage(tmp_path).add_to(STAGED)
    (file,) = (tmp_path / "columns").iterdir()
    assert json.loads(file.read_text()) == {
        "name": "shop.main.staged",
        "columns": ["id", "amount", "one"],
        "types": {},
        "is_complete": True,
    }


def told_of(event: Event) -> list[tuple[str, str]]:
    fields = event["outputs"][0]["facets"].get("schema", {}).get("fields", [])
    return [(field["name"], field["type"]) for field in fields]


def test_every_column_with_lineage_is_in_the_schema_of_the_same_event(tmp_path: Path) -> None:
    lineage = ColumnLineage(tmp_path)
    told = [lineage.add_to(event) for event in RUN]
    assert told_of(told[1]) == [("id", "text"), ("amount", "unknown"), ("one", "unknown")]
    assert told_of(told[2])[0] == ("id", "text")
    for event in told:
        assert set(origins(event) or {}) <= dict(told_of(event)).keys()
        assert faults(event) == []


def test_the_warehouse_says_which_of_the_columns_of_the_sql_were_built(tmp_path: Path) -> None:
    built = with_notes(
        completed(
            dataset("shop.main.staged", "ID", "kept_from_before"),
            'select id, cents as amount from "shop"."main"."raw"',
            dataset("shop.main.raw"),
        ),
        has_whole_schema=True,
        sources=[],
    )
    event = ColumnLineage(tmp_path).add_to(built)
    assert origins(event) == {"ID": ["shop.main.raw.id"]}
    assert told_of(event) == [("ID", "text"), ("kept_from_before", "text")]
