"""A product under reuse on any warehouse, beside plain dbt, and a history of changes to it.

What each step has to build is written down here; nothing is read of any SQL.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from other_warehouses import MANIFEST, Warehouse, plain_dbt
from reusing_product import FLOE

HISTORIES = Path(__file__).with_name("reuse_histories.py")
PROJECT = "name: shop\nversion: 1.0.0\nprofile: shop\n"
TABLE = "{{ config(materialized='table') }}\n"
SCHEMA = """\
models:
  - name: doubled
    columns: [{name: id, data_tests: [unique]}]
sources:
  - name: raw
    schema: SCHEMA
    tables:
      - {name: dated, loaded_at_field: c1}
      - {name: hashed, meta: {floe: {reuse: content}}}
      - {name: plain}
"""
FILES = {
    "floe.yaml": FLOE,
    "dbt_project.yml": PROJECT,
    "seeds/people.csv": "id,name,amount\n1,Ada,10\n2,Grace,20\n3,Edsger,30\n",
    "models/viewed.sql": "select id, name, amount from {{ ref('people') }}\n",
    "models/doubled.sql": f"{TABLE}select id, amount * 2 as amount from {{{{ ref('viewed') }}}}\n",
    "models/summed.sql": f"{TABLE}select sum(amount) as total from {{{{ ref('doubled') }}}}\n",
    "models/named.sql": f"{TABLE}select id, upper(name) as name from {{{{ ref('viewed') }}}}\n",
    "models/of_dated.sql": f"{TABLE}select id, c1 from {{{{ source('raw', 'dated') }}}}\n",
    "models/of_hashed.sql": f"{TABLE}select id, c1 from {{{{ source('raw', 'hashed') }}}}\n",
    "models/of_plain.sql": f"{TABLE}select id, c1 from {{{{ source('raw', 'plain') }}}}\n",
    "models/below_plain.sql": f"{TABLE}select id from {{{{ ref('of_plain') }}}}\n",
    "models/stamped.sql": (
        f"{TABLE}select id, case when current_timestamp is null then 1 else 0 end as asked "
        "from {{ ref('people') }}\n"
    ),
}
RELATIONS = ("people", *(Path(n).stem for n in FILES if n.startswith("models/")))
TEST = "unique_doubled_id"
NEVER = {
    "stamped": "never reused: current_timestamp()",
    "of_plain": "source raw.plain is new",
}
# What waits for the content of a table, where that can't be read while dbt runs.
WAITING = {"spark": {"below_plain"}}
# Where each table shows that it was written to, so that no source is always new.
MARKS_TABLES = ("iceberg", "snowflake")
# Steps of Spark, whose sessions take long to start, are taken together.
AT_ONCE = {"spark": 6, "iceberg": 6}
# What follows `print(` in a warehouse's reader prints rows; this runs statements.
RUN = {
    "clickhouse": "run = client.command\n",
    "sqlite": "run = database.execute\ndatabase.isolation_level = None\n",
    "snowflake": "run = cursor.execute\n",
    "spark": "run = session.sql\n",
    "iceberg": "run = session.sql\n",
}
ICEBERG = "models: {+file_format: iceberg}\nseeds: {+file_format: iceberg}\n"


class Shop:
    """The product in two folders, each with tables of its own: `ours` under floe, and `plain`."""

    def __init__(self, kind: str, warehouse: Warehouse, folder: Path) -> None:
        self.kind, self.warehouse = kind, warehouse
        self.ours, self.plain = folder / f"{kind}_ours", folder / f"{kind}_plain"
        self._pending: dict[Path, list[str]] = {self.ours: [], self.plain: []}
        for product in (self.ours, self.plain):
            schema = warehouse.schema(product)
            manifest = MANIFEST.replace("COMPUTE", warehouse.compute(product))
            manifest = manifest.replace("LINEAGE", str(product / "lineage.jsonl"))
            texts = {**FILES, "manifest.yaml": manifest}
            if kind == "iceberg":
                texts["dbt_project.yml"] += ICEBERG
                texts["models/viewed.sql"] = TABLE + texts["models/viewed.sql"]
            texts["models/schema.yml"] = SCHEMA.replace("SCHEMA", schema)
            for name, text in texts.items():
                (product / name).parent.mkdir(parents=True, exist_ok=True)
                (product / name).write_text(text)
            tables = [(f"{schema}.{name}", rows) for name, rows in SOURCES.items()]
            word = {"sqlite": "", "clickhouse": "database"}.get(kind, "schema")
            create = [f"create {word} if not exists {schema}"] if word else []
            create += [f"create table {table} (id int, c1 int)" for table, _ in tables]
            self.run(product, *create, *(f"insert into {table} {rows}" for table, rows in tables))

    def run(self, product: Path, *statements: str) -> None:
        """Have something changed in the warehouse before the next build."""
        if self.kind == "iceberg":
            statements = tuple(map(_of_iceberg, statements))
        self._pending[product] += statements

    def _flush(self, product: Path) -> None:
        """Run what is pending, through the warehouse's own client; to start it takes long."""
        statements, self._pending[product] = self._pending[product], []
        program = self.warehouse.reader(product).rpartition("print(")[0] + RUN[self.kind]
        program += "for statement in json.loads(sys.argv[1]):\n    run(statement)\n"
        texts = json.dumps([each.replace("SCHEMA", self._schema(product)) for each in statements])
        if statements:
            self.warehouse.call("python", "-c", program, texts, cwd=product, codes=(0,))

    def _schema(self, product: Path) -> str:
        return self.warehouse.schema(product)

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text in a file, in both folders."""
        for product in (self.ours, self.plain):
            self.edit_in(product, name, old, new)

    def edit_in(self, product: Path, name: str, old: str, new: str) -> None:
        """Replace a text in a file of one folder."""
        text = (product / name).read_text()
        assert old in text
        (product / name).write_text(text.replace(old, new))

    def build(self) -> set[str]:
        """Build both; return the names of what floe built and tested."""
        for product in (self.ours, self.plain):
            self._flush(product)
        shown = self.warehouse.call("python", HISTORIES, "--build", self.ours, cwd=self.ours)
        if not (self.plain / "profiles.yml").exists():
            self.warehouse.call("floe", "compile", self.plain, cwd=self.plain, codes=(0,))
        plain_dbt(self.plain, self.warehouse)
        nodes = json.loads(shown.splitlines()[-1]).items()
        return {node.split(".")[2] for node, status in nodes if status in ("success", "pass")}

    def planned(self) -> dict[str, tuple[str, str]]:
        """Return name -> action and reason, as `floe plan` has them."""
        shown = self.warehouse.call("floe", "plan", self.ours, "--json", cwd=self.ours, codes=(0,))
        nodes = json.loads(shown)["nodes"].items()
        return {node.split(".")[2]: (told["action"], told["why"]) for node, told in nodes}

    def contents(self, product: Path) -> dict[str, list[list[object]]]:
        """Return relation -> its rows, sorted."""
        head, _, show = self.warehouse.reader(product).rpartition("print(")
        loop = "for query in json.loads(sys.argv[1]):\n    print("
        program = head + loop + show.replace("sys.argv[1]", "query")
        queries = [f"select * from {self._schema(product)}.{name}" for name in RELATIONS]
        told = ("-c", program, json.dumps(queries))
        shown = self.warehouse.call("python", *told, cwd=product, codes=(0,)).splitlines()
        found = map(json.loads, shown[-len(queries) :])
        return {name: sorted(rows) for name, rows in zip(RELATIONS, found, strict=True)}


def _of_iceberg(statement: str) -> str:
    """Return a statement for a table of Iceberg's, whose files stay where it is dropped."""
    words = {"create table": "using iceberg", "drop table": "purge"}
    added = next((added for begin, added in words.items() if statement.startswith(begin)), "")
    return f"{statement} {added}".rstrip()


SOURCES = {
    "dated": "values (1, 10), (2, 20)",
    "hashed": "values (1, 10), (2, 20)",
    "plain": "values (1, 10), (2, 20)",
}


@dataclass(frozen=True)
class Step:
    """A change, and what it has to build beside what is built in each run."""

    name: str
    change: Callable[[Shop], None]
    builds: frozenset[str] = frozenset()


def _by_hand(*statements: str) -> Callable[[Shop], None]:
    return lambda shop: shop.run(shop.ours, *statements)


def _loaded(*statements: str) -> Callable[[Shop], None]:
    def load(shop: Shop) -> None:
        for product in (shop.ours, shop.plain):
            shop.run(product, *statements)

    return load


def _edited(name: str, old: str, new: str) -> Callable[[Shop], None]:
    return lambda shop: shop.edit(name, old, new)


def steps_on(kind: str) -> tuple[Step, ...]:
    """Return the steps that are possible: dbt can't replace a view in Iceberg's catalog by another."""
    return tuple(each for each in STEPS if kind != "iceberg" or "view" not in each.name)


def always_built(kind: str) -> dict[str, str]:
    """Return name -> why of what is built in each run, without what waits for its content."""
    marked = ["of_plain"] if kind in MARKS_TABLES else []
    return {name: why for name, why in NEVER.items() if name not in marked}


VIEWED, DOUBLED = "models/viewed.sql", "models/doubled.sql"
S = frozenset
STEPS = (
    Step("nothing", lambda shop: None),
    Step("a comment", _edited(DOUBLED, "select id", "select -- note\n  id")),
    Step("a column not read", _edited(VIEWED, "amount", "amount, 7 as other"), S({"viewed"})),
    Step("code", _edited(DOUBLED, "amount * 2", "amount * 3"), S({"doubled", "summed", TEST})),
    Step("a seed", _edited("seeds/people.csv", "Grace", "Zoe"), S({"people", "viewed", "named"})),
    Step(
        "rows by hand", _by_hand("insert into SCHEMA.doubled values (9, 9)"), S({"doubled", TEST})
    ),
    Step("a table dropped", _by_hand("drop table SCHEMA.named"), S({"named"})),
    Step("a view dropped", _by_hand("drop view SCHEMA.viewed"), S({"viewed"})),
    Step(
        "a view by hand",
        _by_hand(
            "drop view if exists SCHEMA.viewed",
            "create view SCHEMA.viewed as "
            "select id, 'x' as name, amount, 7 as other from SCHEMA.people",
        ),
        S({"viewed"}),
    ),
    Step("a column by hand", _by_hand("alter table SCHEMA.summed add column z int"), S({"summed"})),
    Step("new rows", _loaded("insert into SCHEMA.dated values (3, 30)"), S({"of_dated"})),
    Step(
        "new rows in a table without a version",
        _loaded("insert into SCHEMA.plain values (3, 30)"),
        S({"of_plain", "below_plain"}),
    ),
    Step("other content", _loaded("insert into SCHEMA.hashed values (3, 5)"), S({"of_hashed"})),
    Step(
        "the same content",
        _loaded(
            "drop table SCHEMA.hashed",
            "create table SCHEMA.hashed (id int, c1 int)",
            "insert into SCHEMA.hashed values (3, 5), (2, 20), (1, 10)",
        ),
    ),
)
