"""Load the shop's API into the warehouse with dlt."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import dlt
from dlt.sources.helpers import requests
from pipelines.shop_api import serving

TABLES = ("customers", "orders")


def load_shop() -> None:
    """Replace the raw tables; SHOP_API names an API other than the example's own."""
    address = os.environ.get("SHOP_API")
    with nullcontext(address) if address else serving() as url:
        pipeline = dlt.pipeline(
            "shop",
            destination=dlt.destinations.duckdb(os.environ["FLOE_WAREHOUSE_FILE"]),
            dataset_name="raw",
            pipelines_dir=str(Path(os.environ["FLOE_PROJECT_DIR"], ".floe", "dlt")),
        )
        print(pipeline.run([read_pages(url, table) for table in TABLES]))
        report(pipeline.last_trace.last_normalize_info.row_counts)


def read_pages(url: str, table: str) -> Any:
    """Return a dlt resource of every page of a table."""

    def pages() -> Iterator[list[dict[str, Any]]]:
        page, seen, total = 1, 0, 1
        while seen < total:
            body = requests.get(f"{url}/{table}", params={"page": page}, timeout=30).json()
            yield body["items"]
            page, seen, total = page + 1, seen + len(body["items"]), body["total"]

    return dlt.resource(pages, name=table, write_disposition="replace", primary_key="id")


def report(row_counts: dict[str, int]) -> None:
    """Tell floe how many rows each table has."""
    with Path(os.environ["FLOE_FACTS_FILE"]).open("a", encoding="utf-8") as facts:
        for table in TABLES:
            fact = {"dataset": f"raw.{table}", "rows": row_counts[table]}
            facts.write(json.dumps(fact) + "\n")
