"""Microbatch models of each batch size, and plain dbt told which of their batches to build."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
from warm_floe import dbt

EVENTS = """\
{{ config(materialized="table", event_time="happened_at") }}
select range as happened_at, 1 as amount
from range(timestamp '2026-08-01', timestamp '2026-12-01', interval 1 hour)
"""
# Model -> batch size, lookback, begin. dbt's default lookback is 1.
MODELS = {
    "of_day": ("day", None, "2026-10-28"),
    "of_day_alone": ("day", 0, "2026-10-28"),
    "of_three_days": ("day", 2, "2026-10-28"),
    "of_hour": ("hour", 3, "2026-11-02T12:00:00"),
    "of_month": ("month", 1, "2026-09-01"),
}
# Rows say which run wrote them.
MODEL = """\
{{{{ config(materialized="incremental", incremental_strategy="microbatch", event_time="happened_at",
          batch_size="{size}", begin="{begin}"{lookback}) }}}}
select happened_at, amount, '{{{{ var("floe_nominal_time") }}}}' as tick from {{{{ ref("events") }}}}
"""
# Reads a model with an event time, and is to have all of its rows.
DAYS = "select happened_at::date as day, count(*) as events from {{ ref('events') }} group by 1"
# In the first attempt two batches fail, in the second one of them again. Rows say which built them.
FAILING = """\
{{ config(materialized="incremental", incremental_strategy="microbatch", event_time="happened_at",
          batch_size="day", begin="2026-10-28") }}
{% set failing = {1: ["2026-10-29", "2026-10-31"], 2: ["2026-10-31"]}.get(var("floe_attempt"), []) %}
{% set name = model.batch.event_time_start.date().isoformat() if model.batch else "" %}
select happened_at, {{ var("floe_attempt") }} as attempt
from {{ ref("events") }} where {{ "no_such_column" if name in failing else "true" }}
"""
DAYS_OF_ATTEMPTS = "select happened_at::date::text, max(attempt) from by_day group by 1"
PROJECT = "name: shop\nversion: 1.0.0\nprofile: shop\n"
_AT_MOST = {"hour": timedelta(hours=1), "day": timedelta(days=1), "month": timedelta(days=31)}
Rows = list[tuple[object, ...]]


def models() -> dict[str, str]:
    """Return the SQL of each model by its name."""
    return {"events": EVENTS, "days": DAYS, **{name: _sql(name) for name in MODELS}}


def _sql(name: str) -> str:
    size, lookback, begin = MODELS[name]
    given = "" if lookback is None else f", lookback={lookback}"
    return MODEL.format(size=size, begin=begin, lookback=given)


def window(name: str, tick: datetime, *, is_first: bool) -> tuple[datetime, datetime]:
    """Return from when to when a model's batches reach for dbt that starts right after a tick."""
    size, lookback, begin = MODELS[name]
    start = _period(size, tick)
    end = _period(size, start + _AT_MOST[size])
    for _ in range(1 if lookback is None else lookback):
        start = _period(size, start - timedelta(seconds=1))
    first = datetime.fromisoformat(begin).replace(tzinfo=UTC)
    return (first if is_first else start), end


def _period(size: str, moment: datetime) -> datetime:
    """Return when the period of this moment starts."""
    whole = moment.replace(minute=0, second=0, microsecond=0)
    whole = whole if size == "hour" else whole.replace(hour=0)
    return whole.replace(day=1) if size == "month" else whole


class PlainDbt:
    """The same models in a project and a database of their own, built by plain dbt."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "models").mkdir(parents=True)
        (folder / "dbt_project.yml").write_text(PROJECT)
        output = "{type: duckdb, path: shop.duckdb}"
        profile = f"shop: {{target: dev, outputs: {{dev: {output}}}}}\n"
        (folder / "profiles.yml").write_text(profile)
        for name, sql in models().items():
            (folder / "models" / f"{name}.sql").write_text(sql)
        self._build("events", "days")
        self._built: set[str] = set()

    def build(self, tick: datetime, *, full_refresh: bool = False) -> None:
        """Build the batches of each model that dbt builds if it starts right after this tick."""
        said = ["--vars", f"{{floe_nominal_time: '{tick.isoformat()}'}}"]
        for name in MODELS:
            is_first = full_refresh or name not in self._built
            times = [f"{each:%Y-%m-%dT%H:%M:%S}" for each in window(name, tick, is_first=is_first)]
            ends = ["--event-time-start", times[0], "--event-time-end", times[1]]
            self._build(name, *said, *ends, *(["--full-refresh"] if full_refresh else []))
            self._built.add(name)

    def _build(self, *arguments: str) -> None:
        dbt("build", "--profiles-dir", ".", "--select", *arguments, cwd=self.folder)


def rows_of(database: Path, names: Iterable[str] = ("days", *MODELS)) -> dict[str, Rows]:
    """Return the rows of each model."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return {name: connection.execute(f"from {name} order by all").fetchall() for name in names}


def days_of(database: Path) -> dict[str, int]:
    """Return the attempt that built each day of the model that fails."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return dict(connection.execute(DAYS_OF_ATTEMPTS).fetchall())
