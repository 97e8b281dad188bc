"""The example customer-360 for other warehouses, and what it has to find: read from its seeds."""

from __future__ import annotations

import csv
import re
import shutil
from collections import defaultdict
from pathlib import Path

from other_warehouses import Warehouse

EXAMPLES = Path(__file__).parents[2] / "examples"
SEEDS = EXAMPLES / "customer-360" / "seeds"
# What docs/engines.md says has to be changed: in which file, what, into what.
CHANGES = {
    "sqlite": [("dbt_project.yml", "+materialized: view", "+materialized: table")],
    "snowflake": [
        ("dbt_project.yml", "seeds:\n", "unit_tests: {customer_360: {+enabled: false}}\nseeds:\n")
    ],
    "spark": [],
    "clickhouse": [],
}
# Of whole numbers, so that every client prints them alike.
QUERY = "select customer_id, orders, cast(round(revenue * 100) as int) from {}.customer_360"


def write_example(name: str, folder: Path, kind: str, warehouse: Warehouse) -> Path:
    """Write an example into `<folder>/product` for a warehouse, with lineage in lineage.jsonl."""
    product = folder / "product"
    shutil.copytree(EXAMPLES / name, product, ignore=shutil.ignore_patterns(".floe", "target"))
    # Where its tables go is named after the folder, and the folder after what it is for.
    product = product.rename(folder / folder.name)
    lineage = f"{{type: file, log_file_path: {product}/lineage.jsonl, append: true}}"
    compute = (
        f"compute: {warehouse.compute(product)}\n"
        f"  lineage_backend: {{type: openlineage, config: {lineage}}}"
    )
    manifest = (EXAMPLES / "manifest.yaml").read_text()
    manifest = re.sub("compute: {.*", lambda _: compute, manifest)
    manifest = manifest.replace("[duckdb, postgres]", "[clickhouse, sqlite, snowflake, spark]")
    (folder / "manifest.yaml").write_text(manifest)
    change(product / "floe.yaml", ", compute: duckdb", "")
    for file, before, after in CHANGES[kind] if name == "customer-360" else ():
        change(product / file, before, after)
    return product


def change(file: Path, before: str, after: str) -> None:
    """Replace a text of a file, which may have none of it."""
    file.write_text(file.read_text().replace(before, after))


def customers() -> list[tuple[int, int, int]]:
    """Return for each customer how many orders it has and its revenue in cents, from the seeds."""
    paid: defaultdict[str, int] = defaultdict(int)
    for payment in _rows("raw_payments"):
        paid[payment["order_id"]] += int(payment["cents"])
    orders: dict[str, list[int]] = {each["id"]: [] for each in _rows("raw_customers")}
    for order in _rows("raw_orders"):
        counts = order["status"] != "returned"
        orders[order["customer_id"]].append(paid[order["id"]] if counts else 0)
    return sorted((int(each), len(found), sum(found)) for each, found in orders.items())


def _rows(seed: str) -> list[dict[str, str]]:
    with (SEEDS / f"{seed}.csv").open() as file:
        return list(csv.DictReader(file))
