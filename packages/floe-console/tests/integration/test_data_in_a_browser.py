"""The page shows, in a real browser, how fresh sources are and which partitions are built.

The truth is in the warehouse: the days of which the table has rows, and the time of a source's row.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from console_browser import Looked, chromium, served
from playwright.sync_api import Page, expect
from warm_floe import floe

from floe_console.data.refresh import Platform

pytestmark = pytest.mark.long
expect.set_options(timeout=60_000)

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: dagster}
  compute: {type: duckdb, config: {path: "{product_slug}.duckdb"}}
products: {days: days, measured: measured, plain: plain}
"""
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: NAME, version: 1.0.0}
platform: {manifest: ../manifest.yaml}
"""
FIRST = date(2026, 1, 1)
SOURCES = """\
sources:
  - name: raw
    schema: main
    tables:
      - name: loaded
        loaded_at_field: loaded_at
        config: {freshness: {warn_after: {count: 1, period: day}, error_after: {count: 9, period: day}}}
"""
PRODUCTS = {
    "days": {
        "floe.yaml": f"partitions: {{by: day, start: '{FIRST}', select: daily}}\n",
        "models/daily.sql": "{{ config(materialized='incremental', incremental_strategy="
        "'microbatch', event_time='day', begin='2026-01-01', batch_size='day') }}\n"
        "select day, 1 / (case when day = '2026-01-04' then error('no such day') else 1 end) as one "
        "from {{ ref('all_days') }}",
        "models/all_days.sql": "{{ config(event_time='day') }}"
        "select unnest(range(timestamp '2026-01-01', timestamp '2026-02-01', interval 1 day)) as day",
    },
    "measured": {
        "floe.yaml": "execution: {freshness: report}\n",
        "models/m.sql": "select * from {{ source('raw', 'loaded') }}",
        "models/s.yml": SOURCES,
    },
    "plain": {"floe.yaml": "", "models/m.sql": "select 1 as id"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of three products: with partitions, with a source, with neither."""
    folder = tmp_path_factory.mktemp("platform")
    (folder / "manifest.yaml").write_text(MANIFEST)
    for product, files in PRODUCTS.items():
        (folder / product / "models").mkdir(parents=True)
        project = f"name: {product}\nversion: 1.0.0\nprofile: {product}\n"
        (folder / product / "dbt_project.yml").write_text(project)
        for name, text in files.items():
            head = FLOE.replace("NAME", product) if name == "floe.yaml" else ""
            (folder / product / name).write_text(head + text)
        done = floe("compile", folder / product)
        assert done.returncode == 0, done.stderr
    load(folder, days_ago=3)
    return folder


def load(folder: Path, days_ago: int) -> None:
    """Load the source anew, so many days ago."""
    with duckdb.connect(str(folder / "measured" / "measured.duckdb")) as connection:
        moment = datetime.now(UTC) - timedelta(days=days_ago)
        connection.execute("create or replace table loaded (loaded_at timestamp)")
        connection.execute("insert into loaded values (?)", [moment.replace(tzinfo=None)])


def days_built(folder: Path) -> set[str]:
    with duckdb.connect(str(folder / "days" / "days.duckdb"), read_only=True) as connection:
        return {
            str(day.date()) for (day,) in connection.execute("select day from daily").fetchall()
        }


@pytest.fixture(scope="module")
def look(folder: Path) -> Iterator[Looked]:
    with served(Platform(folder / "manifest.yaml")) as url, chromium() as browser:
        looked = Looked(browser, url)
        yield looked
        assert looked.complaints == []


def squares(page: Page) -> dict[str, str]:
    """Return day -> state, as the squares of the page have them."""
    titles = [each.get_attribute("title") for each in page.locator(".strip i").all()]
    return dict(str(title).split(": ") for title in titles)


def test_what_no_run_measured_or_built_is_not_shown_as_fine(look: Looked) -> None:
    for product, name in (("measured", "Freshness"), ("days", "Partitions")):
        page = look.open(f"#/product/{product}").page
        fact = page.locator(f"dt:text-is('{name}') + dd")
        expect(fact).to_contain_text("unknown: there are no records of runs in")
    page = look.open("#/product/plain").page
    expect(page.locator("h2")).to_have_text("plain")
    assert page.locator("dt:text-is('Partitions')").count() == 0


def test_the_freshness_of_a_source_follows_the_runs(look: Looked, folder: Path) -> None:
    page = look.open("#/product/measured").page
    source = page.locator("dt:text-is('Freshness') + dd .badge")
    for days_ago, kind in ((3, "warn"), (0, "good"), (30, "warn")):
        load(folder, days_ago)
        floe("run", folder / "measured")
        # The page itself is not loaded again.
        expect(source).to_contain_text("freshness_raw_loaded")
        expect(source).to_have_class(f"badge {kind}")


def test_partitions_are_those_of_the_table(look: Looked, folder: Path) -> None:
    last = (datetime.now(UTC).date() - FIRST).days
    page = look.open("#/product/days").page
    for day in ("2026-01-03", "2026-01-04"):
        floe("run", folder / "days", "--partition", day)
    expect(page.locator(".strip + .sub")).to_have_text(
        f"by day: {last - 2} missing, 1 done, 1 failed"
    )
    assert days_built(folder) == {"2026-01-03"}
    shown = squares(page)
    assert [*shown] == [str(FIRST + timedelta(days=n)) for n in range(last)][-60:]
