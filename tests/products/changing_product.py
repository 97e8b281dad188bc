"""A random product that changes step by step, and knows by itself what each change reaches.

Its models are written from a description, in several styles of SQL. The versions here are counted
from the description alone: no SQL is read.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from changing_files import ChangingPackage, data_file, properties
from changing_world import (
    DBT_FUNCTION,
    FOREIGN,
    FUNCTION,
    MACROS,
    OWN,
    Surroundings,
    hook_sql,
    write_function,
)

PROJECT = "name: shop\nversion: 1.0.0\nprofile: shop\n"
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0}
platform: {manifest: manifest.yaml}
execution: {reuse: unchanged}
"""
ASKED = (
    "{% if execute %}{{ run_query('select 1 as one').columns[0].values()[0] | int }}"
    "{% else %}1{% endif %}"
)
# Columns that may differ though nothing that they read does.
VARYING = ("stamped", "asked", "function", "called")
# How incremental models add rows: what their key is, and which of their rows they compare with.
BY_BATCH = "by_batch"
WAYS_TO_ADD = {
    "by_id": ("'id'", ""),
    "by_id_again": ("'id'", ">="),
    "by_shared_key": ("'c2'", ""),
    "by_shared_key_again": ("'c2'", ">="),
    "merged": ("'id', incremental_strategy='merge'", ""),
    "newer": ("'id'", ">"),
    BY_BATCH: (
        "('id' if target.type == 'postgres' else none), "
        "incremental_strategy='microbatch', event_time='happened_at', batch_size='year', "
        "begin='2025-01-01'",
        "",
    ),
}
_HAPPENED = "timestamp '2025-01-01' + a.c2 * interval '60 day' as happened_at"
# The rows of a model that is built by batches, of which each takes its own.
_OF_BATCH = """\
select * from (
{text}
) made {{% if model.batch %}}
where happened_at >= '{{{{ model.batch.event_time_start.isoformat()[:19] }}}}'
and happened_at < '{{{{ model.batch.event_time_end.isoformat()[:19] }}}}'
{{% endif %}}"""
KINDS = ("project", "join", "group", "union")


def digest(*values: Any) -> str:
    """Return a hash of anything that can be printed."""
    return sha256(repr(values).encode()).hexdigest()[:16]


@dataclass
class Model:
    """One relation. A column is (what is done, what it reads): see `_expression`.

    `kind` is seed, source, file, snapshot, or one of `KINDS`; `keep` is what a row's id must be
    above. A column `w` has words, with a collation of its own.
    """

    name: str
    kind: str
    parents: list[str] = field(default_factory=list)
    columns: dict[str, tuple[str, list[tuple[str, str]]]] = field(default_factory=dict)
    rows: list[list[int]] = field(default_factory=list)
    keep: int = 0
    materialized: str = "view"
    style: int = 0
    note: str = ""
    tags: int = 0
    knows: str = "nothing"
    is_tested: bool = False
    stores_failures: bool = False
    options_of_test: dict[str, object] = field(default_factory=dict)
    options_of_unit_test: dict[str, object] = field(default_factory=dict)
    has_unit_test: bool = False
    fails: bool = False
    is_written_by_hooks: bool = False
    is_packaged: bool = False
    is_configured_in_yml: bool = False
    described: int = 0
    seed_type: str = ""
    way_to_add: str = "newer"
    alias: str = ""
    # The type of all its columns, by a contract that dbt enforces; "" for none.
    contract: str = ""
    around: Surroundings = field(default_factory=Surroundings)

    @property
    def relation(self) -> str:
        """The name of its relation."""
        return self.alias or self.name

    @property
    def may_have_contract(self) -> bool:
        """Whether all its columns are numbers that it makes itself."""
        is_own = self.kind in KINDS and self.materialized in ("view", "table")
        return is_own and "w" not in self.columns and not self.is_written_by_hooks

    @property
    def may_have_hooks(self) -> bool:
        """Whether its rows can be changed after it is built."""
        is_table = self.kind in KINDS and self.materialized == "table"
        return is_table and not self.is_written_by_hooks


class ChangingProduct:
    """The product's description, its edits, and its files."""

    def __init__(
        self,
        seed: int,
        size: int,
        special: tuple[str, ...],
        now: str,
        *,
        is_worldly: bool = False,
        collations: tuple[str, ...] = (),
        reads_files: bool = False,
        own_hooks: tuple[str, ...] = OWN,
    ) -> None:
        self.random = random.Random(seed)
        self.models: dict[str, Model] = {}
        # Those that are out of the product for now; their relations stay.
        self.removed: dict[str, Model] = {}
        self.is_worldly = is_worldly
        self.added_by_hooks = self.added_by_function = 1
        self.unused_var = 0
        self.package, self.docs = ChangingPackage(), 0
        self.settings: dict[str, str] = {}
        self.options_of_function: dict[str, object] = {}
        self.type_order, self.extension = True, ""
        self.collations, self.own_hooks = collations, own_hooks
        self._stamped = f"case when {now} then 1 else 0 end"
        self.macro = {"added": 1, "note": ""}
        for number in range(3):
            self._add_data(f"raw_{number}", "seed")
        for number, knows in enumerate(("nothing", "content", "loaded_at")):
            self._add_data(f"src_{number}", "source", knows)
        for name, kind in (
            ("history", "snapshot"),
            ("grown", "incremental"),
            ("appended", "incremental"),
        ):
            if kind in special:
                self._add_special(name, kind)
        if is_worldly:
            self._add_package()
            self._add_special("batched", "incremental")
            self.models["batched"].way_to_add = BY_BATCH
            self._add_special("noted", "table")
            self.models["noted"].is_written_by_hooks = True
        if reads_files:
            self._add_data("src_file", "source", "file")
            self._add_data("from_file", "file")
            self.models["from_file"].materialized = self.random.choice(["view", "table"])
        while len(self.models) < size:
            self._add_model(f"m_{len(self.models):02}")

    def _add_data(self, name: str, kind: str, knows: str = "nothing") -> None:
        rows = [[i, self.random.randint(0, 50), self.random.randint(0, 9)] for i in range(1, 9)]
        columns: dict[str, Any] = {each: ("data", []) for each in ("id", "c1", "c2")}
        self.models[name] = Model(name, kind, columns=columns, rows=rows, knows=knows)

    def _add_package(self) -> None:
        self._add_data("tools_seed", "seed")
        self._add_special("tools_model", "table")
        for name, parent in (("tools_seed", ""), ("tools_model", "tools_seed")):
            model = self.models[name]
            model.is_packaged, model.parents = True, [parent] if parent else []
        model.columns = {each: ("same", [("tools_seed", each)]) for each in ("id", "c1")}
        model.columns["c2"] = ("packaged", [("tools_seed", "c2")])

    def _add_special(self, name: str, kind: str) -> None:
        parent = self.random.choice(["raw_0", "raw_1"])
        columns = {each: ("same", [(parent, each)]) for each in ("id", "c1", "c2")}
        what = "snapshot" if kind == "snapshot" else "project"
        self.models[name] = Model(name, what, [parent], columns, materialized=kind)
        if kind == "snapshot":
            self.models[name].way_to_add = "by_id"
        if name == "grown":
            self.models[name].way_to_add = self.random.choice(
                [w for w in WAYS_TO_ADD if w != BY_BATCH]
            )

    def _add_model(self, name: str) -> None:
        kind = self.random.choice(KINDS)
        # Hooks write to it at any moment of a run.
        pool = [
            each
            for each in self.models.values()
            if each.materialized != "snapshot" and not each.is_written_by_hooks
        ]
        # A source of which nothing is known makes all below it new in every run.
        unknown = ("nothing", "file")
        weights = [
            1 if each.knows in unknown and each.kind in ("source", "file") else 6 for each in pool
        ]
        parents = []
        while len(parents) < (2 if kind in ("join", "union") else 1):
            (one,) = self.random.choices(pool, weights)
            parents += [] if one.name in parents else [one.name]
        model = Model(name, kind, parents, style=self.random.randrange(4))
        model.materialized = self.random.choice(["view", "table", "table", "ephemeral"])
        model.is_tested = model.materialized != "ephemeral" and self.random.random() < 0.4
        model.stores_failures = self.random.random() < 0.3
        # dbt asks the relations that a unit test replaces for their columns.
        is_read = all(self.models[parent].materialized != "ephemeral" for parent in parents)
        is_plain = kind == "project" and model.materialized != "ephemeral" and is_read
        model.has_unit_test = self.is_worldly and is_plain and self.random.random() < 0.2
        model.columns = {"id": ("same", [(parent, "id") for parent in parents])}
        for number in range(1, self.random.randint(2, 4)):
            model.columns[f"c{number}"] = self.column(model)
        if self.is_worldly and kind in ("project", "join"):
            self._add_words(model)
        if self.is_worldly and model.may_have_hooks and self.random.random() < 0.25:
            self.change_hook(model)
        self.models[name] = model

    def _add_words(self, model: Model) -> None:
        """Give some models a column of words, their own or those of a parent."""
        above = [p for p in model.parents if "w" in self.models[p].columns]
        if above and self.random.random() < 0.6:
            model.columns["w"] = ("same", [(above[0], "w")])
        elif self.random.random() < 0.3:
            model.columns["w"] = (self.word(), [(model.parents[0], "id")])

    def word(self) -> str:
        """Return how a column of words is made, with one of the collations."""
        return f"word {self.random.choice(self.collations)}"

    def change_hook(self, model: Model) -> None:
        """Give a table another hook: mostly one on its own rows."""
        is_own = self.random.random() < 0.8 or not self.hook_parent(model)
        model.around.hook = self.random.choice(self.own_hooks if is_own else FOREIGN)
        model.around.number = self.random.randint(1, 9)

    def hook_parent(self, model: Model) -> str:
        """Return the relation that a foreign hook of a model reads, "" if it has none to read."""
        if model.around.hook == "notes":
            return next(m.name for m in self.models.values() if m.is_written_by_hooks)
        fitting = (
            p
            for p in model.parents
            if self.models[p].kind != "source" and self.models[p].materialized != "ephemeral"
        )
        return next(fitting, "")

    def column(self, model: Model) -> tuple[str, list[tuple[str, str]]]:
        """Return a random column of what a model's parents have."""
        if model.kind == "union":
            return "union", [(p, self._any(p)) for p in model.parents]
        parent = self.random.choice(model.parents)
        reads = [(parent, self._any(parent))]
        if model.kind == "group":
            return "sum", reads
        roll = self.random.random()
        if roll < 0.03:
            kinds = ["stamped", "asked", *(["function", "called"] if self.is_worldly else [])]
            return self.random.choice(kinds), reads
        if self.is_worldly and "w" in self.models[parent].columns and roll < 0.5:
            return "compared", [(parent, "w")]
        if self.is_worldly and roll > 0.8:
            return self.random.choice(["packaged", "divided", "zoned", "typed"]), reads
        if roll < 0.2:
            return "macro", reads
        return f"+ {self.random.randint(1, 9)}", reads

    def _any(self, parent: str) -> str:
        return self.random.choice([c for c in self.models[parent].columns if c != "w"])

    def order(self) -> list[Model]:
        """Return the models, parents first."""
        return list(self.models.values())

    def rename(self, old: str, new: str) -> None:
        """Give a model another name, wherever it is read."""
        self.models = {new if k == old else k: each for k, each in self.models.items()}
        self.models[new].name = new
        for model in (*self.models.values(), *self.removed.values()):
            model.parents = [new if p == old else p for p in model.parents]
            model.columns = {
                column: (what, [(new if p == old else p, c) for p, c in reads])
                for column, (what, reads) in model.columns.items()
            }

    def remove(self) -> None:
        """Take a model that nothing reads out of the product."""
        read = {parent for model in self.order() for parent in model.parents}
        kinds = ("view", "table")
        leaves = [
            m
            for m in self.order()
            if m.kind in KINDS and m.materialized in kinds and m.name not in read
            if not (m.is_packaged or m.is_written_by_hooks)
        ]
        if leaves:
            model = self.random.choice(leaves)
            self.removed[model.name] = self.models.pop(model.name)

    def restore(self) -> None:
        """Take one of the removed models back."""
        fitting = [m for m in self.removed.values() if {*m.parents} <= self.models.keys()]
        if fitting:
            model = self.random.choice(fitting)
            self.models[model.name] = self.removed.pop(model.name)

    # What a build makes of it, counted without any SQL.

    def versions(
        self, new: dict[str, str], kept: dict[str, dict[str, str]]
    ) -> dict[str, dict[str, str]]:
        """Return model -> column -> version, "#" for its rows; `new` are those that are new.

        `kept` are the versions of those that came to the content that these stand for.
        """
        found: dict[str, dict[str, str]] = {}
        for model in self.order():
            if model.name in kept:
                found[model.name] = kept[model.name]
            elif model.name in new:
                own = new[model.name]
                found[model.name] = {each: digest(own, each) for each in ("#", *model.columns)}
            elif model.kind == "seed":
                rows = digest(len(model.rows), model.seed_type)
                data = {c: [row[i] for row in model.rows] for i, c in enumerate(model.columns)}
                found[model.name] = {"#": rows} | {c: digest(rows, v) for c, v in data.items()}
            else:
                found[model.name] = self.version(model, found)
        return found

    def version(self, model: Model, found: dict[str, dict[str, str]]) -> dict[str, str]:
        """Return the version of a model by those of what it reads."""
        rows = digest(model.kind, model.keep, [found[p]["#"] for p in model.parents])
        if model.kind != "union":
            read = model.parents if model.kind == "join" or model.keep else []
            grouped = model.parents if model.kind == "group" else []
            rows = digest(rows, [found[p]["id"] for p in (*read, *grouped)])
        else:
            rows = digest(rows, [found[p]["id"] for p in model.parents] if model.keep else [])
        if model.around.hook:
            is_whole = model.around.changes_rows
            above = [self.whole(p, found) for p in model.parents if is_whole]
            rows = digest(rows, self.hook_of(model), model.columns, above)
        if model.around.header and model.materialized != "ephemeral":
            rows = digest(rows, model.around.header)
        own = {"#": rows}
        for name, (what, reads) in model.columns.items():
            how: object = (what, self.macro["added"]) if what == "macro" else what
            how = (what, self.package.meaning(model.is_packaged)) if what == "packaged" else how
            used = reads[:1] if model.kind != "union" else reads
            used = [] if what in VARYING else used
            own[name] = digest(rows, how, model.contract, [found[p][c] for p, c in used])
        return own

    def whole(self, name: str, found: dict[str, dict[str, str]]) -> object:
        """Return the versions of all that a relation has, or an ephemeral model reads."""
        model = self.models[name]
        if model.materialized != "ephemeral":
            return found[name]
        return [self.whole(parent, found) for parent in model.parents]

    def hook_of(self, model: Model) -> object:
        """Return what a model's hook is made of."""
        added = self.added_by_hooks if "macro" in model.around.hook else 0
        return self._hook(model), added

    def _hook(self, model: Model) -> str:
        parent = self.models.get(self.hook_parent(model), model)
        return hook_sql(model.around, parent.name, f"main.{parent.relation}")

    # Its files.

    def write(self, folder: Path, source_schema: str) -> None:
        """Write the product into a folder, over what is there of it."""
        for name in ("models", "seeds", "snapshots", "macros", "tests"):
            (folder / name).mkdir(parents=True, exist_ok=True)
            for old in (folder / name).iterdir():
                old.unlink()
        used = f"vars: {{unused: {self.unused_var}}}\n" if self.unused_var else ""
        (folder / "dbt_project.yml").write_text(PROJECT + used)
        (folder / "macros" / "world.sql").write_text(MACROS.format(added=self.added_by_hooks))
        (folder / "floe.yaml").write_text(FLOE)
        macro = f"{{% macro added(x) %}}{self.macro['note']}({{{{ x }}}} + {self.macro['added']})"
        (folder / "macros" / "added.sql").write_text(macro + "{% endmacro %}\n")
        (folder / "models" / "schema.yml").write_text(self._schema(source_schema, folder))
        (folder / "models" / "about.md").write_text(
            f"{{% docs about %}}Number {self.docs}{{% enddocs %}}\n"
        )
        package = self.package.write(folder) if self.is_worldly else folder
        if self.is_worldly:
            write_function(folder, self.added_by_function, self.options_of_function)
            (package / "models" / "schema.yml").write_text("\n".join(self._told(is_packaged=True)))
        for model in self.order():
            self._write(model, package if model.is_packaged else folder)

    def _write(self, model: Model, folder: Path) -> None:
        if model.kind == "file":
            text = f"select id, c1, c2 from read_csv('{data_file(folder, model.name)}')"
            head = f"{{{{ config(materialized='{model.materialized}') }}}}"
            (folder / "models" / f"{model.name}.sql").write_text(f"{head}\n{text}\n")
        elif model.kind == "seed":
            lines = [",".join(model.columns), *(",".join(map(str, r)) for r in model.rows)]
            (folder / "seeds" / f"{model.name}.csv").write_text("\n".join(lines) + "\n")
        elif model.kind == "snapshot":
            taken = f"select id, c1, c2, timestamp '2026-01-01' + c2 * interval '1 day' as seen_at from {{{{ ref('{model.parents[0]}') }}}}"
            own: dict[str, object] = {"unique_key": "id", "target_schema": "main"}
            own |= {"strategy": "timestamp"} | model.around.options
            told = {"check": ("check_cols", "all"), "timestamp": ("updated_at", "seen_at")}
            own.setdefault(*told[str(own["strategy"])])
            given = ", ".join(f"{name}={value!r}" for name, value in own.items())
            head = f"{{% snapshot {model.name} %}}{{{{ config({given}) }}}}"
            text = f"{head}\n{taken} {model.note}\n{{% endsnapshot %}}\n"
            (folder / "snapshots" / f"{model.name}.sql").write_text(text)
        elif model.kind in KINDS:
            (folder / "models" / f"{model.name}.sql").write_text(self._sql(model))
        if model.is_tested:
            bad = "id is not null" if model.fails else "id is null"
            options = {"store_failures": True} if model.stores_failures else {}
            given = "".join(f"{k}={v!r}, " for k, v in (options | model.options_of_test).items())
            head = f"{{{{ config({given}) }}}}\n" if given else ""
            text = f"{head}select id from {{{{ ref('{model.name}') }}}} where {bad}\n"
            (folder / "tests" / f"checks_{model.name}.sql").write_text(text)
            # Its verdict changes with the rows.
            counts = (
                f"select count(*) as id from {{{{ ref('{model.name}') }}}} having count(*) % 2 = 0"
            )
            head = "{{ config(severity='warn') }}\n"
            (folder / "tests" / f"odd_{model.name}.sql").write_text(f"{head}{counts}\n")

    def _schema(self, schema: str, folder: Path) -> str:
        sources = [each for each in self.order() if each.kind == "source"]
        files = {each.name: data_file(folder, each.name) for each in sources}
        tables = [
            f"      - {{name: {each.name}{_KNOWS[each.knows].format(file=files[each.name])}, "
            f"config: {json.dumps(each.around.options)}}}"
            for each in sources
        ]
        said = self._told(is_packaged=False) if self.is_worldly else []
        return "\n".join(
            ["sources:", "  - name: raw", f"    schema: {schema}", "    tables:", *tables, *said]
        )

    def _told(self, *, is_packaged: bool) -> list[str]:
        """Return what a schema.yml says of the package's models and seeds, or of the others."""
        told = [m for m in self.order() if m.is_packaged == is_packaged]
        models = [properties(m) for m in told if m.kind in KINDS]
        seeds = [properties(m) for m in told if m.kind == "seed"]
        # dbt compiles a unit test without what only the hook of its model refers to.
        tested = [m for m in told if m.has_unit_test and m.around.hook != "notes"]
        tests = [self._unit_test(m) for m in tested]
        return [
            f"models: {json.dumps(models)}",
            f"seeds: {json.dumps(seeds)}",
            f"unit_tests: {json.dumps(tests)}",
        ]

    def _unit_test(self, model: Model) -> dict[str, Any]:
        place = self._place(model.parents[0]).strip("{} ")
        rows = [{"id": 5}]
        return {
            "name": f"row_of_{model.name}",
            "model": model.name,
            "given": [{"input": place, "rows": rows}],
            "expect": {"rows": rows},
            "config": model.options_of_unit_test,
        }

    def _sql(self, model: Model) -> str:
        own = f"materialized='{model.materialized}', tags=['t{model.tags}']"
        config = "meta={}" if model.is_configured_in_yml else own
        if model.materialized == "incremental":
            config += f", unique_key={WAYS_TO_ADD[model.way_to_add][0]}"
        around = model.around
        config += "".join(f", {name}={value!r}" for name, value in around.options.items())
        if model.alias:
            config += f", alias={model.alias!r}"
        if hook := self._hook(model):
            config += f", post_hook={hook!r}"
        if around.header:
            config += f", sql_header={around.header!r}"
        columns = [f"{_typed(self._expression(model, c), model)} as {c}" for c in model.columns]
        from_ = [self._place(parent) for parent in model.parents]
        note = f" {model.note}"
        where = f"where a.id > {model.keep}" if model.keep else ""
        if model.kind == "union":
            depends = (
                f"-- depends_on: {self._place(self.hook_parent(model))}\n"
                if around.is_foreign
                else ""
            )
            return f"{{{{ config({config}) }}}}\n{depends}" + "\nunion all\n".join(
                f"select {self._side(model, side)} from {from_[side]} a {where}{note}"
                for side in (0, 1)
            )
        source = f"{from_[0]} a"
        if model.kind == "join":
            source += f" join {from_[1]} b on a.id = b.id"
        group = " group by a.id" if model.kind == "group" else ""
        if model.way_to_add == BY_BATCH:
            columns.append(_HAPPENED)
        text = f"select {', '.join(columns)} from {source} {where}{group}{note}"
        if model.style == 1:
            text = text.replace("select ", "SELECT\n  ").replace(" from ", "\nFROM\n  ")
        if model.style == 2:
            text = f"with made as (\n{text}\n) select * from made"
        if model.style == 3:
            text = f"-- a header\n{text} /* and an end */"
        compared = WAYS_TO_ADD[model.way_to_add][1]
        if model.materialized == "incremental" and compared:
            above = "and" if model.keep else "where"
            newer = f"{above} a.id {compared} (select max(id) from {{{{ this }}}})"
            text = f"select {', '.join(columns)} from {source} {where} {{% if is_incremental() %}}{newer}{{% endif %}} {note}"
        if model.way_to_add == BY_BATCH:
            text = _OF_BATCH.format(text=text)
        depends = (
            f"-- depends_on: {self._place(self.hook_parent(model))}\n" if around.is_foreign else ""
        )
        return f"{{{{ config({config}) }}}}\n{depends}{text}\n"

    def _side(self, model: Model, side: int) -> str:
        read = {c: f"a.{reads[side][1]}" for c, (_, reads) in model.columns.items()}
        return ", ".join(f"{_typed(value, model)} as {c}" for c, value in read.items())

    def _place(self, parent: str) -> str:
        is_source = self.models[parent].kind == "source"
        return f"{{{{ source('raw', '{parent}') }}}}" if is_source else f"{{{{ ref('{parent}') }}}}"

    def _expression(self, model: Model, column: str) -> str:
        what, reads = model.columns[column]
        parent, name = reads[0]
        value = f"{'ab'[model.parents.index(parent)]}.{name}"
        if what == "sum":
            return f"sum({value})"
        texts = {"same": value, "stamped": self._stamped, "asked": ASKED}
        texts["macro"] = f"{{{{ added('{value}') }}}}"
        texts["function"] = f"{FUNCTION}({value})"
        texts["called"] = f"{{{{ function('{DBT_FUNCTION}') }}}}({value})"
        texts["packaged"] = f"{{{{ tools.scaled('{value}') }}}}"
        texts |= {how: text.format(value) for how, text in _BY_THE_WORLD.items()}
        if what.startswith("word "):
            words = f"(case when {value} % 2 = 0 then 'a' else 'B' end)"
            return words + what.removeprefix("word").replace(" -", "")
        return texts.get(what, f"{value} {what}")


def _typed(value: str, model: Model) -> str:
    return f"cast({value} as {model.contract})" if model.contract else value


# What settings of the session, types and collations may change.
_BY_THE_WORLD = {
    "compared": "cast({0} < 'B' as int)",
    "divided": "cast({0} / 2 as int)",
    "zoned": "cast(extract(hour from timestamptz '2026-01-01 00:00:00+00'"
    " + {0} * interval '1 hour') as int)",
    "typed": "{0} + cast(cast('b' as own_kind) < cast('a' as own_kind) as int)",
}
_KNOWS = {
    "nothing": "",
    "file": ", meta: {{external_location: '{file}'}}",
    "content": ", meta: {{floe: {{reuse: content}}}}",
    "loaded_at": ", loaded_at_field: c1",
}
