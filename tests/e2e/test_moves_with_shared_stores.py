"""Jobs by tick and by update move with their stores in PostgreSQL, also from a source that is gone.

The truth is in the rows that runs write: a row for each minute, and one for each update of a port.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import psycopg2
import pytest
from moving_dagster import MovingDagster
from moving_product import MovingProduct
from own_database import PASSWORD, SERVER, compute, own_database, rows
from running_prefect import RunningPrefect
from wait_for import wait_for
from warm_floe import floe

from floe_core.compiler import compile_product
from floe_core.ports.ledger import LEDGER_VARIABLE
from floe_core.schedules import ticks_between
from floe_core.schedules.schedule_store import STORE_VARIABLE

EACH_MINUTE = timedelta(minutes=1)
SPEC = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: mover, version: 1.0.0, owner: data@example.com}
platform: {manifest: manifest.yaml}
inputPorts: [{product: crm, port: numbers}]
steps:
  - {name: take_a_while, command: [sleep, "8"], writes: [raw.waited]}
jobs:
  - {name: minutely, select: "+ticks", schedule: {cron: "* * * * *", catchup: true}}
  - {name: reader, select: seen, schedule: {onUpdate: all}}
"""
FILES = {
    "models/sources.yml": "sources: [{name: raw, tables: [{name: waited}]}]\n",
    "models/ticks.sql": """\
{{ config(materialized="incremental") }}
-- after {{ source("raw", "waited") }}
select '{{ var("floe_nominal_time") }}' as nominal_time
""",
    "models/seen.sql": """\
{{ config(materialized="incremental") }}
select number, '{{ env_var("WHO", "dagster") }}' as who from {{ ref("crm", "numbers") }}
""",
}
CRM = {
    "floe.yaml": """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: crm, version: 1.0.0}
platform: {manifest: manifest.yaml}
outputPorts: [{name: numbers, model: numbers}]
""",
    "dbt_project.yml": "name: crm\nversion: 1.0.0\nprofile: crm\n",
    "models/numbers.sql": """\
{{ config(materialized="table") }}
select {{ env_var("NUMBER", "0") }} as number
""",
}


class Platform:
    """The product for Dagster and Prefect, and the producer of the port that it reads."""

    def __init__(self, folder: Path, database: str) -> None:
        crm = folder / "crm"
        more = f"products: {{crm: {crm}}}\nledger: env:{LEDGER_VARIABLE}\n"
        self.product = MovingProduct(folder, SPEC, FILES, more, compute(database, "mover"))
        (crm / "models").mkdir(parents=True)
        for name, text in CRM.items():
            (crm / name).write_text(text)
        (crm / "manifest.yaml").write_text(
            "apiVersion: floe.dev/v1\nkind: Manifest\nmetadata: {name: platform, version: 1.0.0}\n"
            f"plugins:\n  orchestrator: {{type: dagster}}\n  compute: {{{compute(database, 'crm')}}}\n"
            f"ledger: env:{LEDGER_VARIABLE}\n"
        )
        compile_product(crm)
        self._crm, self._updates, self._database = crm, 0, database
        self.dagster = MovingDagster(self.product)
        self.prefect = RunningPrefect(folder)
        self._prefects = self.product.compile("prefect", {"url": self.prefect.url})

    def serving(self) -> ExitStack:
        """Start Prefect with the product."""
        stack = ExitStack()
        stack.enter_context(self.prefect.up())
        stack.enter_context(self.prefect.serving(self._prefects.folder, WHO="prefect"))
        return stack

    def update(self, who: str) -> None:
        """Run the producer, and wait for the run of the reader that this starts."""
        self._updates += 1
        done = floe("run", self._crm, NUMBER=str(self._updates))
        assert done.returncode == 0, done.stdout + done.stderr
        wait_for(lambda: (self._updates, who) in self.seen(), 180)

    def seen(self) -> list[tuple[object, ...]]:
        return self._rows("select number, who from mover.seen order by number")

    def ticks(self) -> list[datetime]:
        found = self._rows("select nominal_time from mover.ticks order by nominal_time")
        return [datetime.fromisoformat(str(tick)) for (tick,) in found]

    def _rows(self, query: str) -> list[tuple[object, ...]]:
        try:
            return rows(self._database, query)
        except psycopg2.errors.UndefinedTable:
            return []

    def wait_for_ticks(self, count: int) -> None:
        """Wait for more rows of ticks."""
        wanted = len(self.ticks()) + count
        wait_for(lambda: len(self.ticks()) >= wanted, 60 * count + 240)

    def owners(self) -> dict[str, tuple[str, int]]:
        code, told = self.product.migrate("status", "--json")
        assert code == 0, told
        found = {each["job"]: each["owner"] for each in json.loads(told)}
        return {job: (each["orchestrator"], each["epoch"]) for job, each in found.items()}


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Keep schedules, claims, the ledger and the tables in a database of PostgreSQL."""
    with own_database() as name:
        url = f"postgresql://{SERVER['user']}:{PASSWORD}@{SERVER['host']}:{SERVER['port']}/{name}"
        monkeypatch.setenv(STORE_VARIABLE, url)
        monkeypatch.setenv(LEDGER_VARIABLE, url)
        monkeypatch.setenv("FLOE_TEST_PASSWORD", PASSWORD)
        yield name


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_ticks_and_updates_run_once_over_moves_and_while_the_source_is_gone(
    tmp_path: Path, database: str
) -> None:
    platform = Platform(tmp_path, database)
    migrate = platform.product.migrate
    with ExitStack() as dagster_up:
        dagster_up.enter_context(platform.dagster.up())
        platform.wait_for_ticks(1)
        platform.update("dagster")
        code, _ = migrate("apply", "--to", "prefect")
        assert code == 3
        with platform.serving():
            code, told = migrate("apply", "--to", "prefect")
            assert code == 0, told
            assert platform.owners() == {"minutely": ("prefect", 2), "reader": ("prefect", 2)}
            platform.wait_for_ticks(1)
            platform.update("prefect")

            dagster_up.close()
            code, told = migrate("rollback")
            assert (code, "dagster" in told) == (3, True), told
            assert platform.owners()["minutely"][0] == "prefect"
            platform.wait_for_ticks(1)

            with platform.dagster.up():
                code, told = migrate("rollback")
                assert code == 0, told
                assert platform.owners()["reader"] == ("dagster", 3)
                platform.update("dagster")
                platform.wait_for_ticks(1)
    ticks = platform.ticks()
    assert ticks == ticks_between("* * * * *", "UTC", ticks[0], ticks[-1] + EACH_MINUTE)
    assert platform.seen() == [(1, "dagster"), (2, "prefect"), (3, "dagster")]
