"""What was built with other settings or packages is built again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import duckdb
import psycopg2
import pytest
from own_database import SERVER, compute, own_database, rows
from reusing_product import FLOE

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, NodeResult, build
from floe_core.execution.reuse import planned_build
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]

# The day in Tokyo is the next one.
ZONED = """\
{{ config(materialized='table') }}
select cast(cast('2026-01-31 20:00:00+00' as timestamptz) as date) as day
"""
IN_LONDON, IN_TOKYO = date(2026, 1, 31), date(2026, 2, 1)


def statuses_of_build(folder: Path, run_id: str) -> dict[str, str]:
    """Build, and return node name -> status."""
    compile_product(folder)
    events = build(CompiledArtifacts.load(folder), BuildRequest(job="shop", run_id=run_id))
    found = (each for each in events if isinstance(each, NodeResult))
    return {each.unique_id.split(".")[2]: each.status for each in found}


def status_of_build(folder: Path, run_id: str) -> str:
    return statuses_of_build(folder, run_id)["zoned"]


def set_compute(folder: Path, compute: str) -> None:
    manifest = folder / "manifest.yaml"
    *others, _ = manifest.read_text().splitlines()
    manifest.write_text("\n".join([*others, f"  compute: {{{compute}}}", ""]))


def day_in_file(folder: Path) -> date:
    with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as connection:
        [(day,)] = connection.execute("select day from zoned").fetchall()
    assert isinstance(day, date)
    return day


def test_on_duckdb(write_product: WriteProduct) -> None:
    folder = write_product(floe=FLOE, zoned=ZONED)
    settings = "type: duckdb, config: {{path: shop.duckdb, settings: {{TimeZone: {}}}}}"
    set_compute(folder, settings.format("Europe/London"))
    statuses = [status_of_build(folder, run_id) for run_id in ("1", "2")]
    assert (statuses, day_in_file(folder)) == (["success", "reused"], IN_LONDON)
    set_compute(folder, settings.format("Asia/Tokyo"))
    assert (status_of_build(folder, "3"), day_in_file(folder)) == ("success", IN_TOKYO)


def test_on_duckdb_in_the_zone_of_the_machine(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_product(floe=FLOE, zoned=ZONED)
    found = []
    for run_id, zone in enumerate(("Europe/London", "Europe/London", "Asia/Tokyo")):
        monkeypatch.setenv("TZ", zone)
        found.append((status_of_build(folder, str(run_id)), day_in_file(folder)))
    assert found == [("success", IN_LONDON), ("reused", IN_LONDON), ("success", IN_TOKYO)]


def set_zone(database: str, zone: str) -> None:
    """Set the time zone that new sessions of a database begin with."""
    with closing(psycopg2.connect(**SERVER, dbname=database)) as opened, opened.cursor() as cursor:
        cursor.execute(f"alter database {database} set timezone to '{zone}'")
        opened.commit()


def test_on_postgres(write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOE_TEST_PASSWORD", SERVER["password"])
    folder = write_product(floe=FLOE, zoned=ZONED)
    with own_database() as database:
        set_compute(folder, compute(database, "main"))
        found = []
        for run_id, zone in enumerate(("Europe/London", "Europe/London", "Asia/Tokyo")):
            set_zone(database, zone)
            status = status_of_build(folder, str(run_id))
            found.append((status, rows(database, "select day from main.zoned")))
    assert found == [
        ("success", [(IN_LONDON,)]),
        ("reused", [(IN_LONDON,)]),
        ("success", [(IN_TOKYO,)]),
    ]


PYTHON = """\
def model(dbt, session):
    dbt.config(materialized="table")
    return dbt.ref("zoned")
"""


def test_python_models_depend_on_the_versions_of_their_packages(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_product(floe=FLOE, zoned=ZONED)
    (folder / "models" / "frame.py").write_text(PYTHON)
    statuses = [set(statuses_of_build(folder, run_id).values()) for run_id in ("1", "2")]
    assert statuses == [{"success"}, {"reused"}]
    installed = planned_build.installed_version
    monkeypatch.setattr(
        planned_build, "installed_version", lambda n: "9" if n == "pandas" else installed(n)
    )
    assert statuses_of_build(folder, "3")["frame"] == "success"
