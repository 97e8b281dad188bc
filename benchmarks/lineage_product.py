"""The product that everybody runs: every kind of node, and every kind of end."""

from __future__ import annotations

from pathlib import Path

NAME = "orders_mart"
# What is asked of each emitter: the node and the end that it has.
MODEL, BROKEN, SKIPPED = "revenue", "broken", "after_broken"
PASSING, FAILING = "not_null_stg_orders_order_id", "accepted_values_revenue_customer__Ada"
# Every column of the model, and where it really comes from: table, column.
TRUE_COLUMNS = {
    "customer": {("stg_orders", "customer")},
    "euros": {("stg_orders", "euros")},
}
FILES = {
    "dbt_project.yml": f"""\
name: {NAME}
version: 1.0.0
profile: {NAME}
models: {{+materialized: table}}
""",
    "profiles.yml": f"""\
{NAME}:
  target: dev
  outputs:
    dev: {{type: duckdb, path: {NAME}.duckdb, threads: 1}}
""",
    "floe.yaml": """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: orders-mart, version: 1.0.0, owner: data@example.com}
platform: {manifest: manifest.yaml}
""",
    "manifest.yaml": """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: bench, version: 1.0.0}
plugins:
  orchestrator: {type: dagster}
""",
    "seeds/raw_orders.csv": "id,who,cents,state\n1,Ada,1200,open\n2,Ada,800,open\n3,Bo,500,shut\n",
    "models/stg_orders.sql": (
        "select id as order_id, who as customer, cents / 100.0 as euros, state\n"
        "from {{ ref('raw_orders') }}\n"
    ),
    "models/revenue.sql": (
        "with orders as (select * from {{ ref('stg_orders') }})\n"
        "select customer, sum(euros) as euros from orders group by customer\n"
    ),
    "models/broken.sql": "select no_such_column from {{ ref('stg_orders') }}\n",
    "models/after_broken.sql": "select * from {{ ref('broken') }}\n",
    "models/schema.yml": """\
models:
  - name: stg_orders
    columns:
      - {name: order_id, data_type: integer, data_tests: [not_null]}
  - name: revenue
    columns:
      - name: customer
        data_type: varchar
        data_tests: [accepted_values: {arguments: {values: [Ada]}}]
      - {name: euros, data_type: double}
""",
    "snapshots/orders_history.yml": """\
snapshots:
  - name: orders_history
    relation: ref('raw_orders')
    config: {unique_key: id, strategy: check, check_cols: [state]}
""",
}


def write_product(folder: Path) -> Path:
    """Write the product into a folder, and return it."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder
