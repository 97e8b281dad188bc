"""A product with one of every kind of node that dbt has."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "floe.yaml": """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: zoo, version: 1.0.0, owner: data@example.com, labels: {domain: animals}}
platform: {manifest: ../platform/manifest.yaml}
transforms:
  - {name: stg_animals, tags: [nightly], tier: bronze}
  - {name: keepers.v2, tier: gold}
schedule: {cron: "0 6 * * *"}
execution: {pool: zoo}
waivers: [pool]
jobs:
  - {name: nightly, select: "tag:nightly", exclude: "test_type:data", schedule: {cron: "@hourly"}}
  - {name: chosen, selector: the_chosen}
""",
    "../platform/manifest.yaml": """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: plain, config: {url: "http://localhost:1234"}}
  compute: {type: duckdb, config: {path: "data/{product_slug}.duckdb", threads: 2}}
  catalog: {type: polaris}
governance: {pii_encryption: required}
resource_presets: {medium: {cpu_request: 500m, cpu_limit: "2", memory_request: 1Gi, memory_limit: 2Gi}}
defaults: {timezone: Europe/Berlin}
""",
    "dbt_project.yml": """\
name: zoo_project
version: 1.0.0
profile: animals
macro-paths: [macros, ../shared_macros]
models:
  zoo_project:
    +materialized: table
""",
    "../shared_macros/shout.sql": "{% macro shout(text) %}upper({{ text }}){% endmacro %}\n",
    "seeds/animals.csv": "id,name,legs\n1,owl,2\n2,ant,6\n",
    "models/stg_animals.sql": (
        "{{ config(materialized='view') }}\n"
        "select id, {{ shout('name') }} as name, legs from {{ ref('animals') }}\n"
    ),
    "models/int_animals.sql": (
        "{{ config(materialized='ephemeral') }}\nselect * from {{ ref('stg_animals') }}\n"
    ),
    "models/int_deeper.sql": (
        "{{ config(materialized='ephemeral') }}\nselect * from {{ ref('int_animals') }}\n"
    ),
    "models/legs.sql": (
        "{{ config(materialized='incremental', unique_key='legs', schema='counts', group='care') }}\n"
        "select legs, count(*) as animals from {{ ref('int_deeper') }} group by legs\n"
    ),
    "models/extinct.sql": "{{ config(enabled=false) }} select 1 as id\n",
    "models/keepers_v1.sql": "select 1 as keeper\n",
    "models/keepers_v2.sql": "select 1 as keeper, 'Ada' as name\n",
    "models/visitors.sql": "select * from {{ source('gate', 'tickets') }} where false\n",
    "models/off.sql": "{{ config(enabled=false) }}\nselect 1 as id\n",
    "models/counted.py": (
        "def model(dbt, session):\n"
        "    dbt.config(materialized='table')\n"
        "    return dbt.ref('legs').aggregate('count(*) as kinds')\n"
    ),
    "models/zoo.yml": """\
groups:
  - {name: care, owner: {name: Care, email: care@example.com}}
sources:
  - name: gate
    database: elsewhere
    tables:
      - {name: tickets, description: Sold at the gate., columns: [{name: id, data_type: integer}]}
models:
  - name: stg_animals
    description: One row an animal.
    meta: {note: hello, floe: {retries: 1, timeoutSeconds: 300, pool: cage}}
    columns:
      - {name: id, data_type: integer, description: A number., data_tests: [unique, not_null]}
      - name: name
        data_tests: [{not_null: {config: {severity: warn}}}]
  - name: int_animals
    columns: [{name: id, data_tests: [unique]}]
  - name: extinct  # Disabled, so dbt disables its tests too.
    columns: [{name: id, data_tests: [unique]}]
  - name: mythical  # Not there.
    columns: [{name: id, data_tests: [not_null]}]
  - name: keepers
    latest_version: 2
    versions: [{v: 1}, {v: 2}]
unit_tests:
  - name: owls_have_two_legs
    model: legs
    overrides: {macros: {is_incremental: false}}
    given: [{input: ref('stg_animals'), rows: [{id: 1, name: OWL, legs: 2}]}]
    expect: {rows: [{legs: 2, animals: 1}]}
exposures:
  - name: poster
    type: application
    owner: {name: Print, email: print@example.com}
    depends_on: [ref('legs'), ref('int_animals')]
""",
    "snapshots/animals_then.yml": """\
snapshots:
  - name: animals_then
    relation: ref('animals')
    config: {unique_key: id, strategy: check, check_cols: [legs]}
""",
    "tests/legs_are_even.sql": "select * from {{ ref('legs') }} where legs % 2 = 1\n",
    "analyses/idea.sql": "select * from {{ ref('legs') }}\n",
    "selectors.yml": """\
selectors:
  - name: the_chosen
    definition: {union: [{method: fqn, value: legs}, {method: resource_type, value: seed}]}
""",
    "packages.yml": "packages: [{local: ../shared_package}]\n",
    "dbt_packages/borrowed/dbt_project.yml": "name: borrowed\nversion: 1.0.0\n",
    "dbt_packages/borrowed/seeds/colors.csv": "color\nred\nblue\n",
    "dbt_packages/borrowed/models/borrowed_model.sql": (
        "{{ config(materialized='table') }}\nselect * from {{ ref('colors') }}\n"
    ),
    "../shared_package/dbt_project.yml": "name: borrowed\nversion: 1.0.0\n",
}


def write_zoo(folder: Path) -> Path:
    """Write the product into `folder`/zoo and return that."""
    root = folder / "zoo"
    for place, text in FILES.items():
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.resolve().write_text(text)
    return root
