"""A small shop before and after a change, for checks of changes; plain dbt builds production."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from plain_shop import FLOE
from warm_floe import dbt

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: dagster}
"""
DUCKDB = "  compute: {type: duckdb, config: {path: shop.duckdb, threads: 1}}\n"
BASE = {
    "floe.yaml": FLOE,
    "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\n",
    "seeds/raw_orders.csv": "id,customer,cents\n1,1,150\n2,1,250\n3,2,399\n",
    "models/stg_orders.sql": (
        "select id, customer, cents / 100.0 as amount from {{ ref('raw_orders') }}\n"
    ),
    "models/customers.sql": (
        "{{ config(materialized='table') }}\n"
        "select customer, count(*) as orders from {{ ref('stg_orders') }} group by customer\n"
    ),
    "models/revenue.sql": (
        "{{ config(materialized='table') }}\n"
        "select customer, sum(amount) as revenue from {{ ref('stg_orders') }} group by customer\n"
    ),
    "models/report.sql": "select * from {{ ref('revenue') }}\n",
    "models/stamped.sql": "select customer, now() as seen_at from {{ ref('customers') }}\n",
    "models/old.sql": "select 1 as id\n",
    "models/schema.yml": """\
models:
  - {name: customers, columns: [{name: customer, data_tests: [unique]}]}
  - {name: revenue, columns: [{name: customer, data_tests: [unique]}]}
""",
}
# Another amount, a new model that reads an old one, a comment, and a model that is gone.
HEAD = {
    "models/stg_orders.sql": BASE["models/stg_orders.sql"].replace("/ 100.0", "/ 50.0"),
    "models/customers.sql": f"-- nothing changes here\n{BASE['models/customers.sql']}",
    "models/big_customers.sql": (
        "{{ config(materialized='table') }}\n"
        "select customer from {{ ref('customers') }} where orders > 1\n"
    ),
    "models/old.sql": "",
}
# An amount of another type.
WHOLE_AMOUNT = {
    "models/stg_orders.sql": (
        "select id, customer, cast(round(cents / 100.0) as integer) as amount\n"
        "from {{ ref('raw_orders') }}\n"
    ),
}


def write_shop(folder: Path, *changes: Mapping[str, str], compute: str = DUCKDB) -> Path:
    """Write the product; each change maps files to their text, "" for one that goes."""
    files = {**BASE, "manifest.yaml": MANIFEST + compute}
    for change in changes:
        files |= change
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text:
            path.write_text(text)
        else:
            path.unlink(missing_ok=True)
    return folder


def build_production(folder: Path, profile: str = "") -> None:
    """Build the product by plain `dbt build`, as production."""
    profiles = folder.parent / f"profiles-of-{folder.name}"
    profiles.mkdir(exist_ok=True)
    output = profile or f"type: duckdb, path: {folder / 'shop.duckdb'}, threads: 1"
    text = f"shop: {{target: default, outputs: {{default: {{{output}}}}}}}\n"
    (profiles / "profiles.yml").write_text(text)
    run_dbt(folder, "build", "--profiles-dir", str(profiles))


def run_dbt(folder: Path, *arguments: str) -> str:
    """Run dbt in the product's folder; return what it printed."""
    return dbt(*arguments, "--target-path", "target/plain", cwd=folder).stdout
