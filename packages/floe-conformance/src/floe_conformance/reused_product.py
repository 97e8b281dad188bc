"""The kit's product with reuse: its step reports which version of the source it wrote."""

from __future__ import annotations

from floe_conformance import kit_product

VERSION_FILE = "version"
# The models that the second run must reuse, and those that the third must build again: all models
# that read the source.
BUILT_ONCE = frozenset({"stg_orders", "stg_people", "orders", "daily_sales"})
BELOW_THE_STEP = frozenset({"stg_people", "orders", "daily_sales"})

_STEPS = """\
import json
import os
from pathlib import Path

import duckdb


def load_people():
    version = Path("version").read_text()
    with duckdb.connect(os.environ["FLOE_WAREHOUSE_FILE"]) as warehouse:
        warehouse.execute("create or replace table people as "
                          "select * from (values (1, 'Ada'), (2, ?)) as people (id, name)",
                          [f"Grace {version}"])
    with open(os.environ["FLOE_FACTS_FILE"], "a") as facts:
        facts.write(json.dumps({"dataset": "erp.people", "version": version}) + "\\n")
"""
# A hook that writes another table runs each time, so nodes that have one are never reused.
_BEFORE_HOOK, _, _AFTER_HOOK = kit_product.STEPS["dbt_project.yml"].partition("  # Written beside")
REUSED = {
    **kit_product.STEPS,
    "dbt_project.yml": f"{_BEFORE_HOOK}{_AFTER_HOOK[_AFTER_HOOK.index('# What others fill') :]}",
    "floe.yaml": kit_product.STEPS["floe.yaml"]
    .replace("execution: {", "execution: {reuse: unchanged, ")
    .partition("  - {name: export_sales")[0],
    "shop_steps.py": _STEPS,
    VERSION_FILE: "1",
}
