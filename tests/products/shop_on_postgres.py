"""A small product on PostgreSQL: a seed, models in two schemas, a snapshot, stored failures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from own_database import compute
from plain_shop import FLOE

FILES = {
    "floe.yaml": FLOE,
    "dbt_project.yml": """\
name: shop
version: 1.0.0
profile: shop
seeds: {shop: {+schema: raw}}
models: {shop: {staging: {+schema: staging}}}
data_tests: {+store_failures: true}
""",
    "seeds/people.csv": "id,name\n1,Ada\n2,Grace\n3,Edsger\n",
    "models/staging/stg_people.sql": "select id, name from {{ ref('people') }}\n",
    "models/greetings.sql": """\
{{ config(materialized='table') }}
select p.id, 'Hello, ' || p.name as greeting, c.country
from {{ ref('stg_people') }} p join {{ source('world', 'countries') }} c using (id)
""",
    "models/schema.yml": """\
sources:
  - {name: world, schema: world, tables: [{name: countries}]}
models:
  - {name: greetings, columns: [{name: id, data_tests: [unique, not_null]}]}
snapshots:
  - {name: history, relation: ref('stg_people'), config: {unique_key: id, strategy: check,
     check_cols: all}}
""",
}
# What is in the database and not the product's.
WORLD = (
    "create schema world",
    "create table world.countries as select * from (values (1, 'GB'), (2, 'US'), (3, 'NL')) "
    "c(id, country)",
    "create schema live",
    "create table live.greetings as select 'of the real run' as greeting",
    "create schema live_staging",
    "create view live_staging.stg_people as select 1 as id",
)


def write_postgres_product(
    folder: Path, database: str, files: Mapping[str, str] | None = None
) -> Path:
    """Write the product, whose own schema is `live`, with more files or others."""
    manifest = (
        "apiVersion: floe.dev/v1\nkind: Manifest\nmetadata: {name: platform, version: 1.0.0}\n"
        f"plugins:\n  orchestrator: {{type: dagster}}\n"
        f"  compute: {{{compute(database, 'live')}}}\n"
    )
    for name, text in {**FILES, "manifest.yaml": manifest, **(files or {})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder
