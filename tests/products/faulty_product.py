"""A small product with a part that can be made to fail; its warehouse tells what really ran."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from floe_core.compiler import compile_product
from floe_core.schemas import CompiledArtifacts

DUCKDB = 'type: duckdb, config: {path: "shop.duckdb", threads: 2}'
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: test-platform, version: 1.0.0, owner: platform@example.com}
plugins:
  orchestrator: {type: dagster}
  compute: {COMPUTE}
observability: {lineage: {enabled: false}}
"""


def _leaves(what: str) -> str:
    """Return the SQL of a hook that writes down what became of its model."""
    attempt, run = (f'{{{{ var(\\"{name}\\", 0) }}}}' for name in ("floe_attempt", "floe_run_id"))
    row = f"'{{{{ this.identifier }}}}', '{attempt}', '{what}', '{run}'"
    return f"insert into {{{{ target.schema }}}}.audit values ({row})"


# The row of a beginning is written outside of the model's own transaction, so that it stays when
# the model fails. A test leaves a table.
AUDIT = f"""\
on-run-start: "create table if not exists {{{{ target.schema }}}}.audit (node text, attempt text, what text, run text)"
models:
  +materialized: table
  +pre-hook: {{sql: "{_leaves("began")}", transaction: false}}
  +post-hook: "{_leaves("passed")}"
data_tests: {{+store_failures: true}}
"""
FIRST = "select 1 as id"
AFTER = "select id from {{{{ ref('{}') }}}}"
# Some 10^18 rows to count: it does not end by itself.
ENDLESS = "select count(*) as id from range(1000000000) a, range(1000000000) b, {{ ref('first') }}"
# What `ran` says of a first attempt that stopped in middle.
PASSED_BEFORE_MIDDLE = ["aside 1 began", "aside 1 passed", "first 1 began", "first 1 passed"]
STOPPED_IN_MIDDLE = [*PASSED_BEFORE_MIDDLE, "middle 1 began"]
# And when the second attempt went on there to the end.
RESUMED_IN_MIDDLE = [
    *STOPPED_IN_MIDDLE,
    *("middle 2 began", "middle 2 passed", "last 2 began", "last 2 passed"),
    "middle_is_good ran",
]
TEST = (
    "select id, '{{ var(\"floe_attempt\", 0) }}' as attempt from {{ ref('middle') }} where id < 0"
)


def at_first_try(bad: str, good: str = AFTER.format("first")) -> str:
    """Return SQL that is `bad` in the first attempt of a run, `good` after that."""
    choice = f"{{% if var('floe_attempt', 1) == 1 %}}{bad}{{% else %}}{good}{{% endif %}}"
    return f"-- depends_on: {{{{ ref('first') }}}}\n{choice}"


@dataclass(frozen=True, slots=True)
class FaultyProduct:
    """first -> middle (tested) -> last, and first -> aside.

    `execution` is YAML of floe.yaml, `compute` of manifest.yaml, `models` name -> SQL of further
    models or of these. `alerts_to` is the variable that holds the URL of who is told of all,
    `url` the orchestrator's. `deadline` is as in floe.yaml, "" for none. With `has_lineage` its
    events go where the environment says.
    """

    middle: str
    execution: str = ""
    compute: str = DUCKDB
    models: Mapping[str, str] = field(default_factory=dict)
    alerts_to: str = ""
    url: str = ""
    deadline: str = ""
    has_lineage: bool = False

    def compiled(self, folder: Path, name: str, orchestrator: str, more: str) -> CompiledArtifacts:
        """Write and compile it under a name of its own; `more` goes to `execution` as well."""
        for path, text in self._files(name, more).items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return compile_product(folder, orchestrator=orchestrator)

    def _files(self, name: str, more: str) -> dict[str, str]:
        execution = ", ".join(text for text in (self.execution, more) if text)
        kinds = "failure, recovery, warning, lateness"
        alerts = f"alerts: [{{on: [{kinds}], to: 'env:{self.alerts_to}'}}]\n"
        deadline = f"deadline: '{self.deadline}'\n" if self.deadline else ""
        models = {
            "first": FIRST,
            "middle": self.middle,
            "last": AFTER.format("middle"),
            "aside": AFTER.format("first"),
            **self.models,
        }
        manifest = MANIFEST.replace("COMPUTE", self.compute)
        if self.url:
            place = f"{{type: dagster, config: {{url: '{self.url}'}}}}"
            manifest = manifest.replace("{type: dagster}", place)
        if self.has_lineage:
            manifest = manifest.replace("enabled: false", "enabled: true")
        return {
            "manifest.yaml": manifest,
            "floe.yaml": (
                "apiVersion: floe.dev/v1\nkind: FloeSpec\n"
                f"metadata: {{name: {name}, version: 1.0.0, owner: data@example.com}}\n"
                f"platform: {{manifest: manifest.yaml}}\nexecution: {{{execution}}}\n"
                f"{alerts if self.alerts_to else ''}{deadline}"
            ),
            "dbt_project.yml": f"name: shop\nversion: 1.0.0\nprofile: shop\n{AUDIT}",
            **{f"models/{name}.sql": sql for name, sql in models.items()},
            "tests/middle_is_good.sql": TEST,
        }


def warehouse(artifacts: CompiledArtifacts) -> Path:
    """Return the DuckDB file of a product."""
    assert artifacts.project_dir is not None
    return artifacts.project_dir / "shop.duckdb"


def ran(artifacts: CompiledArtifacts) -> list[str]:
    """Return what ran, from the warehouse: `<node> <attempt> began|passed`, and tested nodes."""
    if not warehouse(artifacts).exists():
        return []
    with duckdb.connect(str(warehouse(artifacts)), read_only=True) as connection:
        rows = connection.execute("select node, attempt, what from main.audit").fetchall()
        tested = connection.execute(
            "select table_name from information_schema.tables "
            "where table_schema = 'main_dbt_test__audit'"
        ).fetchall()
        failed = [
            f"{table} {attempt} failed"
            for (table,) in tested
            for (attempt,) in connection.execute(
                f"select distinct attempt from main_dbt_test__audit.{table}"
            ).fetchall()
        ]
    return sorted([" ".join(row) for row in rows] + [f"{name} ran" for (name,) in tested] + failed)


def runs_in_order(artifacts: CompiledArtifacts) -> list[str]:
    """Return the run of each row that the models left, in the order that they were written in."""
    with duckdb.connect(str(warehouse(artifacts)), read_only=True) as connection:
        rows = connection.execute("select run from main.audit order by rowid").fetchall()
    return [run for (run,) in rows]
