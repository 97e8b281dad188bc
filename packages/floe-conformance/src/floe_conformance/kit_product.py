"""The product that the checks load, and the expected results, written out by hand."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path

from floe_core.compiler import compile_product
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

NAME = "corner-shop"
WAREHOUSE, LINEAGE_FILE = "warehouse.duckdb", "lineage.jsonl"
# The file that the hanging model writes beside the warehouse.
HANGS_FILE = "hangs"
SOURCES = frozenset({"people"})

# Node -> the nodes it reads, by name. The ephemeral model between stg_orders and orders is not a
# node.
UPSTREAM: dict[str, frozenset[str]] = {
    "people": frozenset(),
    "raw_orders": frozenset(),
    "stg_orders": frozenset({"raw_orders"}),
    "stg_people": frozenset({"people"}),
    "orders": frozenset({"stg_orders", "stg_people"}),
    "daily_sales": frozenset({"orders", "stg_orders"}),
    "orders_history": frozenset({"stg_orders"}),
    "not_null_stg_orders_id": frozenset({"stg_orders"}),
    "no_order_without_person": frozenset({"orders", "stg_people"}),
}
JOBS: dict[str, frozenset[str]] = {
    NAME: frozenset(UPSTREAM) - SOURCES,
    "nightly": frozenset({"daily_sales"}),
    "paused": frozenset(
        {"stg_orders", "orders", "not_null_stg_orders_id", "no_order_without_person"}
    ),
}

# A span in which the clocks change in New York (8 March) and in London (29 March).
SPAN = (datetime(2026, 3, 5, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
_WEEKEND = (7, 8, 14, 15, 21, 22, 28, 29)
TICKS: dict[str, list[datetime]] = {
    NAME: [datetime(2026, 3, day, 6 if day < 29 else 5, 30, tzinfo=UTC) for day in range(5, 32)],
    "nightly": [
        datetime(2026, 3, day, 14 if day < 8 else 13, 15, tzinfo=UTC)
        for day in range(5, 32)
        if day not in _WEEKEND
    ],
}
PAUSED_JOB = "paused"
CATCHING_UP_JOB = "nightly"

_SCHEDULE = 'schedule: {cron: "30 6 * * *", timezone: Europe/London}\n'
_FLOE = (files("floe_conformance") / "product" / "floe.yaml").read_text("utf-8")


def _with_execution(policy: str) -> str:
    return _FLOE.replace("execution: {", f"execution: {{{policy}, ")


# A stg_people that hangs, and writes a file when it begins to. It ends after 48 seconds, so that a
# run that nothing else stops ends too.
TIMEOUT_SECONDS = 12
HANGS = {
    "models/stg_people.sql": "{{ config(enabled=false) }} select 1\n",
    "models/stg_people.py": (
        "import time\nfrom pathlib import Path\n\n\ndef model(dbt, session):\n"
        "    dbt.config(materialized='table')\n"
        "    where = 'select path from duckdb_databases() where path is not null'\n"
        "    warehouse = Path(session.execute(where).fetchone()[0])\n"
        f"    warehouse.with_name({HANGS_FILE!r}).touch()\n"
        f"    end = time.monotonic() + {4 * TIMEOUT_SECONDS}\n"
        "    while time.monotonic() < end:\n"
        "        session.execute('select count(*) from range(20000) a, range(20000) b')\n"
        "    return dbt.source('erp', 'people')\n"
    ),
}

# What makes a run fail -> the files that do so; below, the nodes that are done all the same.
FAILURES: dict[str, dict[str, str]] = {
    "model": {
        "models/stg_people.sql": "select id, no_such_column from {{ source('erp', 'people') }}\n",
    },
    "test": {"seeds/raw_orders.csv": "id,person,cents\n1,1,250\n,1,1199\n"},
    "time": {**HANGS, "floe.yaml": _with_execution(f"timeoutSeconds: {TIMEOUT_SECONDS}")},
}
_NOT_AFTER_STG_PEOPLE = frozenset(
    {"raw_orders", "stg_orders", "not_null_stg_orders_id", "orders_history"}
)
DONE_ALL_THE_SAME: dict[str, frozenset[str]] = {
    "model": _NOT_AFTER_STG_PEOPLE,
    "test": frozenset({"raw_orders", "stg_orders", "stg_people"}),
    "time": _NOT_AFTER_STG_PEOPLE,
}

# A failure that a run's second try fixes, and how often each model may be begun in that run.
FIRST_TRY = {
    "models/stg_people.sql": (
        "select id, {% if var('floe_attempt', 1) == 1 %}no_such_column{% else %}name{% endif %} "
        "as name from {{ source('erp', 'people') }}\n"
    ),
    "floe.yaml": _with_execution("retries: 1, retryDelaySeconds: 1"),
}
BEGUN = {"daily_sales": 1, "orders": 1, "stg_orders": 1, "stg_people": 2}

# The product with two steps: one fills the source, which dbt no longer creates, and one reads the
# last model.
EXPORT_FILE = "exported"
_DBT_PROJECT = (files("floe_conformance") / "product" / "dbt_project.yml").read_text("utf-8")
_FILL = """\
import os
from pathlib import Path

import duckdb


def load_people():
    with duckdb.connect(os.environ["FLOE_WAREHOUSE_FILE"]) as warehouse:
        warehouse.execute("create or replace table people as "
                          "select * from (values (1, 'Ada'), (2, 'Grace')) as people (id, name)")


def export_sales():
    with duckdb.connect(os.environ["FLOE_WAREHOUSE_FILE"], read_only=True) as warehouse:
        [count] = warehouse.execute("select count(*) from daily_sales").fetchone()
    Path("exported").write_text(str(count))
"""
STEPS = {
    "floe.yaml": (
        f"{_FLOE}steps:\n"
        "  - {name: load_people, python: 'shop_steps:load_people', writes: [erp.people]}\n"
        "  - {name: export_sales, python: 'shop_steps:export_sales', reads: [daily_sales]}\n"
    ),
    "dbt_project.yml": _DBT_PROJECT.replace(
        _DBT_PROJECT.partition("on-run-start:\n")[2].partition("  - create table if")[0], ""
    ),
    "shop_steps.py": _FILL,
}
FAILED_STEP = {
    **STEPS,
    "shop_steps.py": _FILL.replace("load_people():\n", "load_people():\n    raise SystemExit(3)\n"),
}
# The product with alerts: what fails in a run -> the files that make it fail.
ALERT_VARIABLE = "FLOE_CONFORMANCE_ALERTS"
_ALERTS = f"alerts: [{{on: [failure, recovery, warning], to: 'env:{ALERT_VARIABLE}'}}]\n"
ALERTING = {
    "nothing": {"floe.yaml": _FLOE + _ALERTS},
    "model": {**FAILURES["model"], "floe.yaml": _FLOE + _ALERTS},
    "first try": {**FIRST_TRY, "floe.yaml": FIRST_TRY["floe.yaml"] + _ALERTS},
}
# A deadline 12 hours away, so that no check is running when it comes, and one that has passed.
_NOW = datetime.now(UTC).replace(second=0, microsecond=0)
DUE_AT = _NOW + timedelta(hours=12)
_LATENESS = f"alerts: [{{on: [lateness], to: 'env:{ALERT_VARIABLE}'}}]\n"
DUE = {
    "later": {"floe.yaml": f"{_FLOE}{_LATENESS}deadline: '{DUE_AT:%H:%M} UTC'\n"},
    "passed": {
        "floe.yaml": f"{_FLOE}{_LATENESS}".replace(_SCHEDULE, "")
        + f"deadline: '{_NOW - timedelta(minutes=5):%H:%M} UTC'\n"
    },
}
# The source that a step fills was last loaded long ago, under each freshness policy.
_STALE_SOURCE = (
    "    config:\n"
    "      loaded_at_field: \"cast('2020-01-01' as timestamp)\"\n"
    "      freshness: {error_after: {count: 1, period: day}}\n"
)
_SOURCES = (files("floe_conformance") / "product" / "models" / "shop.yml").read_text("utf-8")
STALE = {
    policy: {
        **STEPS,
        "floe.yaml": STEPS["floe.yaml"].replace(
            "execution: {", f"execution: {{freshness: {policy}, "
        ),
        "models/shop.yml": _SOURCES.replace(
            "    schema: main\n", f"    schema: main\n{_STALE_SOURCE}"
        ),
    }
    for policy in ("gate", "report")
}
# One of the two ports that the product offers; the other is still built when stg_people fails.
PORT = "daily@1"
# A run's parameters -> the nodes that it builds. NEEDS_PARAMETERS fails without GIVEN_PARAMETERS.
SELECTIONS: tuple[tuple[RunParameters, frozenset[str]], ...] = (
    (
        RunParameters(select="stg_orders+", exclude="orders+ orders_history"),
        frozenset({"stg_orders", "not_null_stg_orders_id"}),
    ),
    (RunParameters(exclude="stg_people+"), _NOT_AFTER_STG_PEOPLE),
    (
        RunParameters(resource_types=("seed", "snapshot")),
        frozenset({"raw_orders", "orders_history"}),
    ),
)
GIVEN_PARAMETERS = RunParameters(full_refresh=True, empty=True, vars={"column": "name"})
NEEDS_PARAMETERS = {
    "models/stg_people.sql": (
        "select id, {% if flags.FULL_REFRESH and flags.EMPTY %}"
        "{{ var('column', 'no_such_column') }}{% else %}no_such_column{% endif %} "
        "as name from {{ source('erp', 'people') }}\n"
    ),
}
# A model by day, which fails for the second of April and is a port, and one that reads all of it.
PORT_BY_DAY = "days@1"
PARTITIONS = {
    "floe.yaml": (
        _FLOE.replace("outputPorts:\n", "outputPorts:\n  - {name: days}\n") + "partitions:\n"
        "  {by: day, start: 2026-03-01, select: days, vars: {day: start_date}}\n"
    ),
    "models/days.sql": (
        "{{ config(materialized='incremental', unique_key='day') }} "
        "select cast('{{ var('day') }}' as date) as day"
        "{% if var('day') == '2026-04-02' %}, no_such_column{% endif %}\n"
    ),
    "models/days_so_far.sql": "select count(*) as days from {{ ref('days') }}\n",
}
WITH_PARTITIONS = JOBS[NAME] | {"days", "days_so_far"}

# An environment of the manifest, and the ticks of the product's own job in that environment.
ENVIRONMENT = "evening"
ENVIRONMENT_TICKS = [datetime(2026, 3, day, 20, 45, tzinfo=UTC) for day in range(5, 32)]
_ENVIRONMENTS = f"""\
environments:
  {ENVIRONMENT}:
    schedules:
      jobs:
        {NAME}: {{cron: "45 20 * * *", timezone: UTC}}
"""

# What fails in a run -> each job in its lineage, and how that job's run ends.
_ALL_COMPLETE = {
    NAME: "COMPLETE",
    f"{NAME}.seed.raw_orders": "COMPLETE",
    f"{NAME}.model.stg_orders": "COMPLETE",
    f"{NAME}.model.stg_people": "COMPLETE",
    f"{NAME}.model.orders": "COMPLETE",
    f"{NAME}.model.daily_sales": "COMPLETE",
    f"{NAME}.snapshot.orders_history": "COMPLETE",
    f"{NAME}.test.not_null_stg_orders_id": "COMPLETE",
    f"{NAME}.test.no_order_without_person": "COMPLETE",
}
# The jobs in the lineage of a run canceled while stg_people hangs, and how each ends.
ABORTED = {
    NAME: "ABORT",
    f"{NAME}.model.stg_people": "ABORT",
    f"{NAME}.model.orders": "ABORT",
    f"{NAME}.model.daily_sales": "ABORT",
    f"{NAME}.test.no_order_without_person": "ABORT",
}
EXPECTED_EVENTS = {
    "nothing": _ALL_COMPLETE,
    "model": {
        **_ALL_COMPLETE,
        NAME: "FAIL",
        f"{NAME}.model.stg_people": "FAIL",
        f"{NAME}.model.orders": "ABORT",
        f"{NAME}.model.daily_sales": "ABORT",
        f"{NAME}.test.no_order_without_person": "ABORT",
    },
}

_MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {{name: conformance, version: 1.0.0}}
plugins:
  orchestrator: {{type: "{orchestrator}"}}
  compute: {{type: duckdb, config: {{path: {warehouse}, threads: 4}}}}
  lineage_backend:
    type: openlineage
    config: {{type: file, log_file_path: {lineage}, append: true}}
ledger: ledger
"""


def compile_kit_product(
    folder: Path, orchestrator: str, changes: Mapping[str, str], *, shows_nodes: bool = True
) -> CompiledArtifacts:
    """Write the product to a subfolder of `folder`, and compile it there.

    `changes` maps a file of the product to the text that replaces it. Without `shows_nodes` it asks
    for an object for the whole product, not for each node.
    """
    place = folder / NAME
    with as_file(files("floe_conformance") / "product") as texts:
        shutil.copytree(texts, place)
    (place / "manifest.yaml").write_text(
        _MANIFEST.format(orchestrator=orchestrator, warehouse=WAREHOUSE, lineage=LINEAGE_FILE)
        + _ENVIRONMENTS,
        "utf-8",
    )
    for file, text in changes.items():
        (place / file).write_text(text, "utf-8")
    if not shows_nodes:
        text = (place / "floe.yaml").read_text("utf-8")
        text = text.replace("granularity: node", "granularity: product")
        (place / "floe.yaml").write_text(text, "utf-8")
    return compile_product(place)
