"""Random edits of a small product, as a developer makes them; some of them are wrong on purpose."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

SOURCES = ("dbt_project.yml", "models", "seeds", "macros", "snapshots", "tests")
OF_FLOE = ("floe.yaml", "steps_of_shop.py")
FILES = {
    "dbt_project.yml": """\
name: shop
version: 1.0.0
profile: shop
vars: {factor: 2}
models: {shop: {marts: {+materialized: table}}}
""",
    "floe.yaml": """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0, owner: data@example.com}
platform: {manifest: manifest.yaml}
jobs:
- {name: marts, select: "path:models/marts"}
""",
    "manifest.yaml": """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0, owner: data@example.com}
plugins:
  orchestrator: {type: ORCHESTRATOR}
  compute: {type: duckdb, config: {path: shop.duckdb, threads: 1}}
""",
    "steps_of_shop.py": "def note() -> None:\n    print('noted')\n",
    "seeds/raw_orders.csv": "id,customer_id,amount\n1,1,100\n2,1,250\n3,2,75\n",
    "seeds/raw_customers.csv": "id,name\n1,ada\n2,bob\n",
    "macros/cents.sql": "{% macro cents(name) %}({{ name }} / 100.0){% endmacro %}\n",
    "models/staging/stg_orders.sql": """\
select id, customer_id, {{ cents('amount') }} as amount from {{ ref('raw_orders') }}
""",
    "models/staging/stg_customers.sql": """\
{{ config(materialized='ephemeral') }}
select id, name from {{ ref('raw_customers') }}
""",
    "models/marts/orders.sql": """\
select *, amount * {{ var('factor') }} as scaled from {{ ref('stg_orders') }}
""",
    "models/marts/customers.sql": """\
{{ config(tags=['people']) }}
select c.id, c.name, sum(o.amount) as total
from {{ ref('stg_customers') }} c left join {{ ref('orders') }} o on o.customer_id = c.id
group by all
""",
    "models/marts/history.sql": """\
{{ config(materialized='incremental') }}
select id, amount from {{ ref('orders') }}
{% if is_incremental() %} where id > (select max(id) from {{ this }}) {% endif %}
""",
    "models/schema.yml": """\
models:
- name: stg_orders
  columns:
  - {name: id, data_tests: [unique, not_null]}
- name: orders
  description: All orders.
  columns:
  - {name: amount, data_tests: [not_null]}
- name: customers
  columns:
  - {name: id, data_tests: [unique]}
""",
    "tests/no_negative_amount.sql": "select * from {{ ref('orders') }} where amount < 0\n",
}
# What edits of YAML come to where it is not what it was.
UNREADABLE = (yaml.YAMLError, TypeError, AttributeError, LookupError)
WRONG_SQL = (
    "select {{ nope( }} as id",
    "select {% if true %} 1 as id",
    "select * from {{ ref('nothing_of_that_name') }}",
    "select 1 as",
)


def write_shop(folder: Path, orchestrator: str) -> None:
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("ORCHESTRATOR", orchestrator))


def sources_of(folder: Path, names: tuple[str, ...] = SOURCES) -> dict[str, bytes]:
    """Return name -> content of the files that a developer writes."""
    found = [each for name in names for each in (folder / name, *(folder / name).rglob("*"))]
    return {str(p.relative_to(folder)): p.read_bytes() for p in found if p.is_file()}


def restore(folder: Path, sources: dict[str, bytes], names: tuple[str, ...] = SOURCES) -> None:
    """Make the files those of an earlier time; those that are the same are not touched."""
    now = sources_of(folder, names)
    for name in now.keys() - sources.keys():
        (folder / name).unlink()
    for name, content in sources.items():
        if now.get(name) != content:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


class Edits:
    """Random edits of a product that is in a folder."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.chance = random.Random(seed)
        self.number = 0
        self.kinds: list[tuple[Callable[[], None], int]] = [
            (self.add_column, 6), (self.change_number, 4), (self.change_materialization, 2),
            (self.add_rows, 3), (self.change_seed, 2), (self.add_test, 3), (self.drop_test, 2),
            (self.describe, 2), (self.describe_column, 1), (self.change_severity, 1),
            (self.change_macro, 3), (self.add_macro, 1), (self.change_var, 2),
            (self.change_project, 2), (self.add_model, 4), (self.rename_model, 2),
            (self.delete_model, 2), (self.add_seed, 2), (self.rename_seed, 1),
            (self.delete_seed, 1), (self.add_snapshot, 2), (self.add_singular_test, 1),
            (self.break_sql, 4), (self.break_yaml, 2), (self.save_half, 3), (self.break_seed, 1),
            (self.fail_model, 3), (self.fail_test, 3), (self.touch, 2), (self.add_job, 2),
            (self.change_schedule, 2), (self.drop_jobs, 1), (self.toggle_step, 2),
            (self.set_floe_var, 1), (self.break_floe, 2),
        ]  # fmt: skip

    def edit(self) -> str:
        """Make one edit; return what it was."""
        self.number += 1
        [chosen] = self.chance.choices(*zip(*self.kinds, strict=True))
        try:
            chosen()
        except UNREADABLE:
            # It is to change a file that an edit before has broken.
            chosen = self.add_model
            chosen()
        return str(chosen.__name__)

    def edit_models(self) -> str:
        """Make one edit that only concerns what dbt parses, not the rows of seeds."""
        kinds, self.kinds = self.kinds, [
            (each, 1)
            for each in (
                self.add_column, self.change_macro, self.add_model, self.delete_model,
                self.rename_model, self.break_sql, self.add_job,
            )
        ]  # fmt: skip
        try:
            return self.edit()
        finally:
            self.kinds = kinds

    def models(self) -> list[Path]:
        return sorted((self.folder / "models").rglob("*.sql"))

    def a_model(self) -> Path:
        return self.chance.choice(self.models())

    def _seeds(self, pattern: str = "*.csv") -> list[Path]:
        return sorted((self.folder / "seeds").glob(pattern))

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def add_column(self) -> None:
        model = self.a_model()
        sql = f"select *, {self.number} as column_{self.number} from ("
        model.write_text(_with_query(model.read_text(), lambda query: f"{sql}{query})\n"))

    def change_number(self) -> None:
        """Some number of a model, if it has any, becomes another one."""
        model = self.a_model()
        text = re.sub(r"\d+ as column", f"{1000 + self.number} as column", model.read_text())
        model.write_text(f"{text.rstrip()}\n")

    def change_materialization(self) -> None:
        kind = self.chance.choice(["view", "table", "ephemeral"])
        model = self.a_model()
        query = re.sub(r"\{\{ config\(materialized.*?\) \}\}\n", "", model.read_text())
        model.write_text(f"{{{{ config(materialized='{kind}') }}}}\n{query}")

    def add_rows(self) -> None:
        for seed in self._seeds("raw_orders.csv"):
            row = f"{100 + self.number},{self.chance.randrange(1, 3)},{self.number}\n"
            seed.write_text(seed.read_text() + row)

    def change_seed(self) -> None:
        for seed in self._seeds("raw_customers.csv"):
            seed.write_text(seed.read_text().replace("ada", f"ada{self.number}"))

    def _properties(self) -> Any:
        return yaml.safe_load((self.folder / "models/schema.yml").read_text())

    def _write_properties(self, properties: object) -> None:
        self.write("models/schema.yml", yaml.safe_dump(properties, sort_keys=False))

    def _of_some_model(self, properties: Any) -> Any:
        name = self.a_model().stem
        for model in properties["models"]:
            if model["name"] == name:
                return model
        properties["models"].append({"name": name, "columns": []})
        return properties["models"][-1]

    def add_test(self) -> None:
        properties = self._properties()
        model = self._of_some_model(properties)
        test = self.chance.choice(["not_null", "unique"])
        columns = model.setdefault("columns", [])
        mine = [each for each in columns if each["name"] == "id"]
        column = mine[0] if mine else {"name": "id"}
        if not mine:
            columns.append(column)
        tests = column.setdefault("data_tests", [])
        if test not in tests:
            tests.append(test)
        self._write_properties(properties)

    def drop_test(self) -> None:
        properties = self._properties()
        for model in properties["models"]:
            for column in model.get("columns", []):
                if column.get("data_tests"):
                    column["data_tests"].pop()
                    self._write_properties(properties)
                    return

    def describe(self) -> None:
        properties = self._properties()
        self._of_some_model(properties)["description"] = f"described in {self.number}"
        self._write_properties(properties)

    def describe_column(self) -> None:
        properties = self._properties()
        model = self._of_some_model(properties)
        model.setdefault("columns", []).append({"name": f"c{self.number}", "description": "new"})
        self._write_properties(properties)

    def change_severity(self) -> None:
        self.write(
            "tests/no_negative_amount.sql",
            f"{{{{ config(severity='{self.chance.choice(['warn', 'error'])}') }}}}\n"
            f"select * from {{{{ ref('orders') }}}} where amount < {self.chance.choice([0, 1])}\n",
        )

    def change_macro(self) -> None:
        divisor = f"{100 + self.number}.0"
        text = f"{{% macro cents(name) %}}({{{{ name }}}} / {divisor}){{% endmacro %}}\n"
        self.write("macros/cents.sql", text)

    def add_macro(self) -> None:
        self.write(
            f"macros/macro_{self.number}.sql",
            f"{{% macro macro_{self.number}() %}}{self.number}{{% endmacro %}}\n",
        )
        model = self.a_model()
        sql = f"select *, {{{{ macro_{self.number}() }}}} as m_{self.number} from ("
        model.write_text(_with_query(model.read_text(), lambda query: f"{sql}{query})\n"))

    def _project(self) -> Any:
        return yaml.safe_load((self.folder / "dbt_project.yml").read_text())

    def change_var(self) -> None:
        project = self._project()
        project["vars"]["factor"] = self.number
        self.write("dbt_project.yml", yaml.safe_dump(project))

    def change_project(self) -> None:
        project = self._project()
        kind = self.chance.choice(["view", "table"])
        project["models"]["shop"]["marts"]["+materialized"] = kind
        self.write("dbt_project.yml", yaml.safe_dump(project))

    def add_model(self) -> None:
        parent = self.a_model().stem
        folder = self.chance.choice(["staging", "marts", "further"])
        sql = f"select *, {self.number} as column_{self.number} from {{{{ ref('{parent}') }}}}\n"
        self.write(f"models/{folder}/new_{self.number}.sql", sql)

    def rename_model(self) -> None:
        """What refers to it follows, as an editor does it, but not always."""
        model = self.a_model()
        name = f"renamed_{self.number}"
        model.rename(model.with_name(f"{name}.sql"))
        if self.chance.random() < 0.7:
            self._follow(model.stem, name)

    def _follow(self, before: str, after: str) -> None:
        for each in [*self.models(), *(self.folder / "tests").glob("*.sql")]:
            text = each.read_text()
            if f"ref('{before}')" in text:
                each.write_text(text.replace(f"ref('{before}')", f"ref('{after}')"))
        properties = self._properties()
        for model in properties["models"]:
            model["name"] = after if model["name"] == before else model["name"]
        self._write_properties(properties)

    def delete_model(self) -> None:
        """Mostly one that nothing refers to."""
        texts = [each.read_text() for each in self.models()]
        new = [each for each in self.models() if each.stem.startswith(("new_", "renamed_"))]
        free = [e for e in new if not any(f"ref('{e.stem}')" in text for text in texts)]
        if chosen := free or new:
            self.chance.choice(chosen).unlink()

    def add_seed(self) -> None:
        self.write(f"seeds/seed_{self.number}.csv", f"id,word\n1,w{self.number}\n2,\n")
        sql = f"select * from {{{{ ref('seed_{self.number}') }}}}\n"
        self.write(f"models/further/of_seed_{self.number}.sql", sql)

    def rename_seed(self) -> None:
        for seed in self._seeds("seed_*.csv")[:1]:
            name = f"seed_{self.number}00"
            seed.rename(seed.with_name(f"{name}.csv"))
            self._follow(seed.stem, name)

    def delete_seed(self) -> None:
        """With the models that read it, or without."""
        for seed in self._seeds("seed_*.csv")[-1:]:
            seed.unlink()
            for model in self.models():
                if f"ref('{seed.stem}')" in model.read_text() and self.chance.random() < 0.8:
                    model.unlink()

    def add_snapshot(self) -> None:
        parent = self.chance.choice(["raw_customers", "raw_orders"])
        config = "unique_key='id', strategy='check', check_cols='all'"
        self.write(
            f"snapshots/snap_{parent}.sql",
            f"{{% snapshot snap_{parent} %}}\n{{{{ config({config}) }}}}\n"
            f"select *, {self.number} as version from {{{{ ref('{parent}') }}}}\n"
            "{% endsnapshot %}\n",
        )

    def add_singular_test(self) -> None:
        model = self.a_model().stem
        sql = f"select * from {{{{ ref('{model}') }}}} where 1 = {self.chance.choice([0, 0, 1])}\n"
        self.write(f"tests/test_{self.number}.sql", sql)

    def break_sql(self) -> None:
        self.a_model().write_text(self.chance.choice(WRONG_SQL))

    def break_yaml(self) -> None:
        name = self.chance.choice(["models/schema.yml", "dbt_project.yml"])
        self.write(name, (self.folder / name).read_text() + "\n  - {name: [\n")

    def save_half(self) -> None:
        choices = [*self.models(), self.folder / "models/schema.yml", *self._seeds()]
        file = self.chance.choice(choices)
        text = file.read_text()
        file.write_text(text[: self.chance.randrange(len(text) + 1)])

    def break_seed(self) -> None:
        for seed in self._seeds()[:1]:
            seed.write_text(seed.read_text() + "1,2,3,4,5,6\n")

    def fail_model(self) -> None:
        self.a_model().write_text("select 1 as id, no_such_column from (select 1 as id)\n")

    def fail_test(self) -> None:
        properties = self._properties()
        model = self._of_some_model(properties)
        test = {"accepted_values": {"arguments": {"values": [f"never {self.number}"]}}}
        model.setdefault("columns", []).append({"name": "id", "data_tests": [test]})
        self._write_properties(properties)

    def touch(self) -> None:
        for model in self.models():
            os.utime(model)

    def _spec(self) -> Any:
        return yaml.safe_load((self.folder / "floe.yaml").read_text())

    def _write_spec(self, spec: object) -> None:
        self.write("floe.yaml", yaml.safe_dump(spec, sort_keys=False))

    def add_job(self) -> None:
        spec = self._spec()
        select = self.chance.choice(["tag:people+", "+orders", "path:models/staging", "raw_orders"])
        spec["jobs"] = [*spec.get("jobs", []), {"name": f"job-{self.number}", "select": select}]
        self._write_spec(spec)

    def change_schedule(self) -> None:
        spec = self._spec()
        spec["schedule"] = {"cron": f"{self.chance.randrange(60)} 3 * * *", "timezone": "UTC"}
        self._write_spec(spec)

    def drop_jobs(self) -> None:
        spec = self._spec()
        spec.pop("jobs", None)
        self._write_spec(spec)

    def toggle_step(self) -> None:
        spec = self._spec()
        if spec.pop("steps", None) is None:
            step = {"name": "note", "python": "steps_of_shop:note", "reads": ["raw_orders"]}
            spec["steps"] = [step]
        self._write_spec(spec)

    def set_floe_var(self) -> None:
        spec = self._spec()
        spec["vars"] = {"factor": self.number}
        self._write_spec(spec)

    def break_floe(self) -> None:
        wrong = self.chance.choice(["metdata: {}\n", "jobs: [\n", "schedule: {cron: never}\n"])
        self.write("floe.yaml", (self.folder / "floe.yaml").read_text() + wrong)


def _with_query(text: str, change: Callable[[str], str]) -> str:
    """Return a model with another query; the line of its config stays first."""
    head, sep, query = text.rpartition(") }}\n") if text.startswith("{{ config") else ("", "", text)
    if "ref(" in head:
        return text
    return head + sep + change(query)
