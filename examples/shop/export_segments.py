"""Write exports/segments.csv, one line a customer."""

import csv
import os
from pathlib import Path

import duckdb

with duckdb.connect(os.environ["FLOE_WAREHOUSE_FILE"], read_only=True) as warehouse:
    rows = warehouse.execute(
        "select customer_id, segment from customer_segments order by customer_id"
    ).fetchall()
target = Path("exports", "segments.csv")
target.parent.mkdir(exist_ok=True)
with target.open("w", newline="", encoding="utf-8") as file:
    csv.writer(file).writerows([("customer_id", "segment"), *rows])
print(f"wrote {len(rows)} customers to {target}")
