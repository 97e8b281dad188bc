"""Score customers from 1 to 10 by what they spent and by when they last ordered."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import duckdb


def score_customers() -> None:
    """Replace scores.customers."""
    with duckdb.connect(os.environ["FLOE_WAREHOUSE_FILE"]) as warehouse:
        rows = warehouse.execute(
            "select customer_id, spent_cents, last_ordered_on from customer_orders"
        ).fetchall()
        scores = [(customer, score(spent, last)) for customer, spent, last in rows]
        warehouse.execute("create schema if not exists scores")
        warehouse.execute(
            "create or replace table scores.customers (customer_id bigint, score integer)"
        )
        warehouse.executemany("insert into scores.customers values (?, ?)", scores)
    with Path(os.environ["FLOE_FACTS_FILE"]).open("a", encoding="utf-8") as facts:
        facts.write(json.dumps({"dataset": "scores.customers", "rows": len(scores)}) + "\n")


def score(spent_cents: int, last_ordered_on: date | None) -> int:
    """Return 1 for a customer without orders, up to 10.

    >>> score(0, None), score(60_000, date(2026, 12, 1))
    (1, 10)
    """
    if last_ordered_on is None:
        return 1
    return min(10, 1 + min(6, int(spent_cents) // 10_000) + last_ordered_on.month // 4)
