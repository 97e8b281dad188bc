"""The product that the checks load, and what must be found of it, written out by hand."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path

from floe_core.compiler import compile_product
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

NAME = "corner-shop"
SOURCES = frozenset({"people"})

# Node -> what it reads, by name; the ephemeral model between stg_orders and orders is no node.
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

# A span in which clocks change in New York (8 March) and in London (29 March).
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

# What spoils a run -> the files that do it, and the nodes that are done all the same.
FAILURES: dict[str, dict[str, str]] = {
    "model": {
        "models/stg_people.sql": "select id, no_such_column from {{ source('erp', 'people') }}\n",
    },
    "test": {"seeds/raw_orders.csv": "id,person,cents\n1,1,250\n,1,1199\n"},
}
DONE_ALL_THE_SAME: dict[str, frozenset[str]] = {
    "model": frozenset({"raw_orders", "stg_orders", "not_null_stg_orders_id", "orders_history"}),
    "test": frozenset({"raw_orders", "stg_orders", "stg_people"}),
}

_MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {{name: conformance, version: 1.0.0}}
plugins:
  orchestrator: {{type: "{orchestrator}"}}
  compute: {{type: duckdb}}
"""


def compile_kit_product(
    folder: Path, orchestrator: str, changes: Mapping[str, str]
) -> CompiledArtifacts:
    """Write the product into a folder of its own below this one, and compile it there.

    `changes` maps files of it to other texts.
    """
    place = folder / NAME
    with as_file(files("floe_conformance") / "product") as texts:
        shutil.copytree(texts, place)
    (place / "manifest.yaml").write_text(_MANIFEST.format(orchestrator=orchestrator), "utf-8")
    for file, text in changes.items():
        (place / file).write_text(text, "utf-8")
    return compile_product(place)
