"""dbt projects with the oddities that real ones have; each must run as plain dbt runs it.

Written here, one oddity or a few a project, so that a difference has a name. `FAILING` are those of
which plain dbt itself ends in an error.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: dagster}
  compute: {type: duckdb, config: {path: "{product_slug}.db", threads: 2}}
"""
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {{name: {name}, version: 1.0.0}}
platform: {{manifest: manifest.yaml}}
"""
TABLE = "{{ config(materialized='table') }}\n"
NUMBERS = "id,name\n1,one\n2,two\n3,three\n"


def project(extra: str = "") -> str:
    return f"name: odd\nversion: 1.0.0\nprofile: odd\nmodels: {{+materialized: table}}\n{extra}"


PROJECTS: dict[str, dict[str, str]] = {
    "graph": {
        "dbt_project.yml": project(),
        "seeds/numbers.csv": NUMBERS,
        "models/counts.sql": (
            "select {{ graph.nodes | length }} as nodes, {{ graph.sources | length }} as sources\n"
            "{% if execute %}{% for node in graph.nodes.values() | selectattr('resource_type', 'equalto', 'seed') %}"
            ", '{{ node.relation_name | replace(\"\\\"\", \"\") }}' as seed_{{ loop.index }}{% endfor %}{% endif %}\n"
            "from {{ ref('numbers') }} limit 1\n"
        ),
    },
    "relative-paths": {
        "dbt_project.yml": project(),
        "data/logs/events.csv": "at,what\n1,start\n2,end\n",
        "seeds/numbers.csv": NUMBERS,
        "models/from_files.sql": (
            "select * from read_csv_auto('./data/logs/events.csv')\n"
            "union all by name select id as at, name as what from read_csv_auto('seeds/numbers.csv')\n"
        ),
    },
    "hook-fails-at-start": {
        "dbt_project.yml": project('on-run-start: ["select no_such_function()"]\n'),
        "models/one.sql": "select 1 as id\n",
    },
    "hook-fails-at-end": {
        "dbt_project.yml": project('on-run-end: ["select 1", "select no_such_function()"]\n'),
        "models/one.sql": "select 1 as id\n",
    },
    "hooks": {
        "dbt_project.yml": project(
            "on-run-start: [\"create table if not exists audit (what varchar, many integer)\"]\n"
            "on-run-end:\n  - \"{{ note_results(results) }}\"\n"
            "  - \"insert into audit select 'schemas', {{ schemas | length }}\"\n"
        ),
        "macros/note_results.sql": (
            "{% macro note_results(results) %}{% for each in results %}"
            "insert into audit values ('{{ each.node.unique_id }} {{ each.status }}', 1);"
            "{% endfor %}{% endmacro %}\n"
        ),
        "models/one.sql": (
            "{{ config(pre_hook=\"insert into audit values ('before', 1)\", "
            "post_hook=[\"insert into audit select 'after', count(*) from {{ this }}\"]) }}\nselect 1 as id\n"
        ),
        "models/noted.sql": "-- depends_on: {{ ref('one') }}\nselect what, many from audit where what in ('before', 'after')\n",
    },
    "default-selector": {
        "dbt_project.yml": project(),
        "selectors.yml": (
            "selectors:\n  - name: nightly\n    default: true\n"
            "    definition:\n      union:\n        - {method: tag, value: night, parents: true}\n"
        ),
        "models/base.sql": "select 1 as id\n",
        "models/nightly.sql": "{{ config(tags=['night']) }} select * from {{ ref('base') }}\n",
        "models/never.sql": "select * from {{ ref('base') }}\n",
        "models/schema.yml": (
            "models:\n  - name: base\n    columns: [{name: id, data_tests: [unique, not_null]}]\n"
        ),
    },
    "schemas": {
        "dbt_project.yml": project("seeds: {odd: {+schema: raw}}\n"),
        "macros/generate_schema_name.sql": (
            "{% macro generate_schema_name(custom_schema_name, node) -%}"
            "{{ custom_schema_name | trim if custom_schema_name else target.schema ~ '_' ~ node.fqn[1] }}"
            "{%- endmacro %}\n"
        ),
        "macros/generate_alias_name.sql": (
            "{% macro generate_alias_name(custom_alias_name=none, node=none) -%}"
            "{{ 'x_' ~ (custom_alias_name or node.name) }}{%- endmacro %}\n"
        ),
        "seeds/numbers.csv": NUMBERS,
        "models/marts/first.sql": "select * from {{ ref('numbers') }}\n",
        "models/staging/second.sql": "{{ config(schema='elsewhere', alias='two') }} select * from {{ ref('first') }}\n",
    },
    "materialization": {
        "dbt_project.yml": project(),
        "macros/noted_table.sql": (
            "{% materialization noted_table, adapter='duckdb' %}\n"
            "{%- set target_relation = this.incorporate(type='table') -%}\n"
            "{{ run_hooks(pre_hooks) }}\n"
            "{% call statement('main') %}create or replace table {{ target_relation }} as "
            "(select *, '{{ model.name }}' as made_of from ({{ sql }}));{% endcall %}\n"
            "{{ run_hooks(post_hooks) }}\n{{ adapter.commit() }}\n"
            "{{ return({'relations': [target_relation]}) }}\n{% endmaterialization %}\n"
        ),
        "macros/materialization_view.sql": (
            "{% macro duckdb__create_view_as(relation, sql) -%}\n"
            "create view {{ relation }} as (select *, 'ours' as made_by from ({{ sql }}));\n{%- endmacro %}\n"
        ),
        "models/custom.sql": "{{ config(materialized='noted_table') }} select 1 as id\n",
        "models/overridden.sql": "{{ config(materialized='view') }} select * from {{ ref('custom') }}\n",
        "models/read.sql": "select made_of, made_by from {{ ref('overridden') }}\n",
    },
    "environment": {
        "dbt_project.yml": project(
            "vars: {colour: \"{{ env_var('ODD_COLOUR', 'red') }}\"}\n"
            "seeds: {+schema: \"{{ env_var('ODD_SCHEMA', 'raw') }}\"}\n"
        ),
        "seeds/numbers.csv": NUMBERS,
        "models/coloured.sql": (
            "{{ config(alias=env_var('ODD_ALIAS', 'coloured')) }}\n"
            "select id, '{{ env_var('ODD_COLOUR', 'red') }}' as colour, '{{ var('colour') }}' as again "
            "from {{ ref('numbers') }}\n"
        ),
        "models/schema.yml": (
            "models:\n  - name: coloured\n    description: \"{{ env_var('ODD_COLOUR', 'red') }}\"\n"
            "    config: {tags: [\"{{ env_var('ODD_TAG', 'plain') }}\"]}\n"
        ),
    },
    "identifiers": {
        "dbt_project.yml": project("quoting: {identifier: true, schema: true}\n"),
        "seeds/Mixed_Case.csv": "Id,First Name,select\n1,Ann,x\n2,Bob,y\n",
        "models/Some_Model.sql": "{{ config(alias='Some Table') }} select \"Id\", \"First Name\" as \"The Name\" from {{ ref('Mixed_Case') }}\n",
        "models/order.sql": "{{ config(alias='group', schema='Upper') }} select * from {{ ref('Some_Model') }}\n",
        "models/schema.yml": (
            "models:\n  - name: order\n    columns:\n      - {name: The Name, quote: true, data_tests: [unique]}\n"
        ),
    },
    "tests": {
        "dbt_project.yml": project("data_tests: {+schema: failures}\n"),
        "seeds/numbers.csv": NUMBERS,
        "models/rows.sql": "select id, name, id % 2 as half from {{ ref('numbers') }}\n",
        "models/below.sql": "select * from {{ ref('rows') }}\n",
        "models/schema.yml": """\
models:
  - name: rows
    columns:
      - name: half
        data_tests:
          - unique: {name: warned, config: {severity: warn, store_failures: true}}
          - accepted_values: {name: tolerated, arguments: {values: [0]}, config: {warn_if: ">10", error_if: ">20"}}
          - accepted_values: {name: only_warned, arguments: {values: [0]}, config: {warn_if: ">0", error_if: ">20"}}
          - not_null: {name: kept, config: {store_failures: true, limit: 5, where: "id > 1"}}
""",
        "tests/singular.sql": "{{ config(severity='warn', store_failures=true, alias='kept_rows') }} select * from {{ ref('rows') }} where id > 1\n",
    },
    "tests-fail": {
        "dbt_project.yml": project(),
        "seeds/numbers.csv": NUMBERS,
        "models/rows.sql": "select id, id % 2 as half from {{ ref('numbers') }}\n",
        "models/below.sql": "select * from {{ ref('rows') }}\n",
        "models/beside.sql": "select 1 as id\n",
        "models/schema.yml": (
            "models:\n  - name: rows\n    columns:\n      - {name: half, data_tests: [unique]}\n"
        ),
        "tests/broken.sql": "select no_such_column from {{ ref('beside') }}\n",
    },
    "python-and-incremental": {
        "dbt_project.yml": project(),
        "seeds/numbers.csv": NUMBERS,
        "models/in_python.py": (
            "def model(dbt, session):\n    dbt.config(materialized='table')\n"
            "    rows = dbt.ref('numbers')\n    return rows.filter('id > 1')\n"
        ),
        "models/more.sql": (
            "{{ config(materialized='incremental', unique_key='id', on_schema_change='append_new_columns') }}\n"
            "select * from {{ ref('in_python') }}{% if is_incremental() %} where id > 2{% endif %}\n"
        ),
        "models/batches.sql": (
            "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='happened', "
            "begin='2023-01-01', batch_size='year', lookback=1) }}\n"
            "select * from {{ ref('timed') }}\n"
        ),
        "models/timed.sql": (
            "{{ config(event_time='happened') }} select id, make_timestamp(2022 + id::bigint, 3, 1, 0, 0, 0) as happened "
            "from {{ ref('numbers') }}\n"
        ),
        "snapshots/history.yml": (
            "snapshots:\n  - name: history\n    relation: ref('numbers')\n"
            "    config: {unique_key: id, strategy: check, check_cols: all}\n"
        ),
    },
    "versions-and-contracts": {
        "dbt_project.yml": project(),
        "models/dim_v1.sql": "select 1 as id\n",
        "models/dim_v2.sql": "select 1 as id, 'a' as name\n",
        "models/latest.sql": "select * from {{ ref('dim') }}\n",
        "models/older.sql": "select * from {{ ref('dim', v=1) }}\n",
        "models/hidden.sql": "{{ config(materialized='ephemeral') }} select * from {{ ref('older') }}\n",
        "models/through.sql": "select * from {{ ref('hidden') }}\n",
        "models/off.sql": "{{ config(enabled=false) }} select 1 as id\n",
        "models/schema.yml": """\
models:
  - name: dim
    latest_version: 2
    config: {contract: {enforced: true}}
    columns: [{name: id, data_type: integer, constraints: [{type: not_null}]}, {name: name, data_type: varchar}]
    versions:
      - v: 1
        columns: [{include: [id]}]
      - v: 2
  - name: hidden
    columns: [{name: id, data_tests: [not_null]}]
""",
    },
}  # fmt: skip
FAILING = frozenset({"hook-fails-at-start", "hook-fails-at-end", "tests-fail"})

PACKAGE = {
    "dbt_project.yml": "name: shared\nversion: 1.0.0\nmodels: {shared: {+schema: shared, +materialized: table}}\n",
    "macros/shout.sql": "{% macro shout(text) %}upper({{ text }}){% endmacro %}\n",
    "macros/dispatched.sql": (
        "{% macro greeting() %}{{ return(adapter.dispatch('greeting', 'shared')()) }}{% endmacro %}\n"
        "{% macro default__greeting() %}'hello'{% endmacro %}\n"
        "{% macro duckdb__greeting() %}'quack'{% endmacro %}\n"
    ),
    "macros/test_positive.sql": (
        "{% test positive(model, column_name) %}select * from {{ model }} where {{ column_name }} <= 0{% endtest %}\n"
    ),
    "models/people.sql": "select 7 as id, {{ shout(\"'shared'\") }} as name\n",
    "seeds/shared_seed.csv": NUMBERS,
    "logs/dbt.log": "left by a run\n",
    "target/manifest.json": "{}\n",
}
NESTED = {
    "dbt_project.yml": project(),
    "packages.yml": "packages:\n  - local: ../\n",
    "models/people.sql": "select id, name, {{ shared.greeting() }} as greeting from {{ ref('shared', 'people') }}\n",
    "models/both.sql": (
        "select id from {{ ref('people') }} union all select id from {{ ref('shared', 'people') }}\n"
        "union all select id from {{ ref('shared_seed') }}\n"
    ),
    "models/schema.yml": "models:\n  - name: both\n    columns: [{name: id, data_tests: [shared.positive]}]\n",
}


def names() -> list[str]:
    """Return the names of all awkward projects, `local-package` among them."""
    return [*PROJECTS, "local-package", "many-tests"]


def write_awkward_project(name: str, folder: Path) -> Path:
    """Write the project with its floe.yaml into a new folder, and return the product's folder."""
    if name == "local-package":
        return _write_local_package(folder)
    files = _many_tests() if name == "many-tests" else PROJECTS[name]
    return _write_product(name, files, folder)


def _write_product(name: str, files: dict[str, str], folder: Path) -> Path:
    own = {"floe.yaml": FLOE.format(name=name), "manifest.yaml": MANIFEST}
    for place, text in {**files, **own}.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text)
    return folder


def _write_local_package(folder: Path) -> Path:
    """Write a package whose integration tests are a product inside of it, as packages have them."""
    for place, text in PACKAGE.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text)
    product = _write_product("local-package", NESTED, folder / "integration_tests")
    command = [sys.executable, "-m", "dbt.cli.main", "--quiet", "deps"]
    profile = "odd: {target: dev, outputs: {dev: {type: duckdb}}}\n"
    (product / "profiles.yml").write_text(profile)
    subprocess.run(command, cwd=product, check=True, capture_output=True)
    (product / "profiles.yml").unlink()
    return product


def _many_tests() -> dict[str, str]:
    """Return a project of 1,500 tests of few models."""
    lines = ["models:"]
    for model in range(10):
        lines += [f"  - name: m{model}", "    columns:", "      - name: id", "        data_tests:"]
        lines += [
            f"          - not_null: {{name: check_{model}_{n}, config: {{where: 'id > {n}'}}}}"
            for n in range(150)
        ]
    models = {f"models/m{model}.sql": f"select {model} as id\n" for model in range(10)}
    return {"dbt_project.yml": project(), "models/schema.yml": "\n".join(lines) + "\n", **models}
