"""A product whose middle is built by day, and plain dbt that builds the same days in order."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import duckdb
from warm_floe import dbt

PARTITIONS = """\
partitions:
  by: day
  start: 2026-11-01
  select: daily by_day wide
  vars: {min_date: start, max_date: end, day: start_date}
"""
CONFIG = "{{ config(materialized='incremental', unique_key='day') }} "
OF_DAY = "happened >= '{{ var(\"min_date\") }}' and happened < '{{ var(\"max_date\") }}'"
MODELS = {
    "raw": (
        "{{ config(materialized='table', event_time='happened') }} select i as id, i % 7 as amount, "
        "timestamp '2026-11-01' + to_minutes(cast(i * 331 as int)) as happened from range(60) t(i)"
    ),
    "daily": CONFIG
    + "select cast(happened as date) as day, count(*) as events, sum(amount) as amount "
    "from {{ ref('raw') }} where " + OF_DAY + " group by 1",
    "by_day": (
        "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='happened', "
        "batch_size='day', begin='2026-10-30') }} select id, amount, happened from {{ ref('raw') }}"
    ),
    # What was built before it of its own and of other days.
    "wide": CONFIG + "select day, events, (select count(*) from {{ ref('by_day') }}) as so_far, "
    "'{{ var(\"day\") }}' as told from {{ ref('daily') }} where day = date '{{ var(\"day\") }}'",
    # A row for each time that it is built.
    "total": (
        "{{ config(materialized='incremental') }} select count(*) as days, sum(events) as events "
        "from {{ ref('wide') }}"
    ),
    "beside": "{{ config(materialized='incremental') }} select count(*) as n from {{ ref('raw') }}",
}
TESTS = """\
models:
  - {name: daily, columns: [{name: day, data_tests: [unique]}]}
  - {name: total, columns: [{name: days, data_tests: [not_null]}]}
"""
PARTITIONED = ("daily", "by_day", "wide")
TABLES = ("raw", *PARTITIONED, "total", "beside")
# Fails for these days in these attempts: {day: [attempts]}.
FAILS = (
    "{%% set fails = %s %%}{%% if var('floe_attempt', 1) | int in fails.get(var('day'), []) %%}"
    "select no_such_column{%% else %%}%s{%% endif %%}"
)


def failing(sql: str, fails: dict[str, list[int]]) -> str:
    """Return a model that fails for some days in some attempts."""
    config, _, rest = sql.partition("}} ")
    return f"{config}}}}} " + FAILS % (json.dumps(fails), rest)


def rows_of(file: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return table -> its rows, sorted, for the tables that are there."""
    with duckdb.connect(str(file), read_only=True) as connection:
        known = {
            name for (name,) in connection.sql("select table_name from duckdb_tables()").fetchall()
        }
        return {
            name: sorted(connection.sql(f"select * from {name}").fetchall(), key=repr)
            for name in TABLES
            if name in known
        }


def days_from(first: str, last: str) -> list[str]:
    """Return the days from one to another, both included."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [(start + timedelta(days=n)).isoformat() for n in range((end - start).days + 1)]


class PlainDays:
    """Plain dbt in a copy of the product: what is before the days, each day, what is below."""

    def __init__(self, product: Path, folder: Path) -> None:
        shutil.copytree(product, folder, ignore=shutil.ignore_patterns("*.duckdb*", ".floe"))
        self.folder = folder

    def build(self, days: Sequence[str], attempt: int = 1, check: bool = True) -> None:
        """Build as a run for these days does."""
        below = " ".join(f"{name}+" for name in PARTITIONED)
        self.call("--exclude", below, attempt=attempt, check=check)
        for day in days:
            self.build_day(day, PARTITIONED, attempt, check)
        self.call(
            "--select", below, "--exclude", " ".join(PARTITIONED), attempt=attempt, check=check
        )

    def build_day(
        self, day: str, names: Sequence[str], attempt: int = 1, check: bool = True
    ) -> None:
        """Build models of one day."""
        start, end = f"{day} 00:00:00", f"{date.fromisoformat(day) + timedelta(days=1)} 00:00:00"
        given = {"min_date": start, "max_date": end, "day": day}
        times = ["--event-time-start", start.replace(" ", "T"), "--event-time-end"]
        times.append(end.replace(" ", "T"))
        self.call("--select", " ".join(names), *times, attempt=attempt, check=check, given=given)

    def call(
        self, *words: str, attempt: int, check: bool, given: dict[str, str] | None = None
    ) -> None:
        said = json.dumps({"floe_attempt": attempt, **(given or {})})
        split = [part for word in words for part in (word.split() if "T" not in word else [word])]
        dbt(
            *("-q", "build", "--profiles-dir", ".", "--vars", said, *split),
            cwd=self.folder,
            check=check,
            FLOE_PROJECT_DIR=str(self.folder),
        )
