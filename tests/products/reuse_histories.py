"""Random histories of a product under reuse, beside plain dbt that builds all of it each time.

    python tests/products/reuse_histories.py 300
    python tests/products/reuse_histories.py 0 50 postgres
    python tests/products/reuse_histories.py 0 3 sqlite 4 16

The tables and the verdicts of tests must be equal after each step. What is built is held against
what the product's description says had to be: no less, and at most a tenth more in all of a
history, 2 % in many. What comes to the content that it had under plain dbt takes nothing that reads
it along. A product has 20 to 60 models, seeds and snapshots, by the number of its history.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from changing_product import BY_BATCH, KINDS, VARYING, ChangingProduct, Model, digest
from changing_world import FUNCTION, OF_INCREMENTAL, OWN, option_names, value_of
from dbt_common.tests import enable_test_caching
from history_warehouses import Warehouse, warehouse_of
from wider_edits import WiderEdits

from floe_core.compiler import compile_product
from floe_core.dbt.internals import release_adapters, release_warehouse
from floe_core.execution import BuildRequest, build
from floe_core.foundation.errors import InvalidProductError
from floe_core.runs.build_events import NodeResult
from floe_core.schemas import CompiledArtifacts

# In one history, in which a single node may be a tenth, and in many.
MOST_OVER, MOST_OVER_IN_ALL = 1.10, 1.02
# Of a test: plain dbt's verdict -> what floe may say.
_AS_PLAIN = {"pass": ("pass", "reused")}
NOT_GREEN = ("error", "fail", "skipped")


@dataclass
class Score:
    """What histories came to: relations that were built, and those that had to be."""

    steps: int = 0
    nodes: int = 0
    built: int = 0
    needed: int = 0
    wrong: list[str] = field(default_factory=list)
    too_much: list[str] = field(default_factory=list)
    too_little: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    @property
    def is_within_bounds(self) -> bool:
        """Whether nothing was left out that had to be built, and little was built beside it."""
        return not self.too_little and self.built <= self.needed * MOST_OVER


class History:
    """One product, with reuse in one folder and without floe in another."""

    may_read_files = True

    def __init__(self, seed: int, folder: Path, warehouse: Warehouse, size: int = 20) -> None:
        self.warehouse = warehouse
        warehouse.threads = 1 if seed % 2 else 4
        self.random = random.Random(seed)
        special, is_worldly = warehouse.special, warehouse.adapter != ""
        # dbt-duckdb reads the catalog's indexes in one thread while another one renames a table
        # that has one; plain dbt fails as well.
        has_race = warehouse.adapter == "duckdb" and warehouse.threads > 1
        self.product = ChangingProduct(
            seed,
            size,
            special,
            warehouse.now,
            is_worldly=is_worldly,
            collations=warehouse.collations,
            reads_files=warehouse.reads_files and self.may_read_files,
            own_hooks=tuple(each for each in OWN if not (has_race and each == "indexed")),
        )
        self.ours, self.plain = folder / "ours", folder / "plain"
        folders = (self.ours, self.plain)
        self.wider = WiderEdits(self.random, self.product, warehouse, folders)
        self.score = Score()
        self._green: dict[str, str] = {}
        self._spoiled: set[str] = set()
        # What adds to its own rows, and may change if it is built again.
        self._unsettled: set[str] = set()
        # Of those, what came to the same as before, but from other inputs or by another text, and
        # what a build that was not compared may have built as well.
        self._either: set[str] = set()
        self._turn = 0
        self._loads = 0
        self._new: dict[str, str] = {}
        # Of tables: what the last green build came to under plain dbt, and the version of that.
        self._known: dict[str, tuple[Any, dict[str, str]]] = {}
        # A configuration with a key that dbt may refuse.
        self._tried: tuple[dict[str, object], str] | None = None
        self._found: dict[str, Any] = {}
        for each in (self.ours, self.plain):
            each.mkdir(parents=True)
        self._load_sources()
        self.change_function()
        if is_worldly:
            self.wider.begin()

    def run(self, steps: int) -> Score:
        """Build, then change and build again so many times."""
        self.step("first build", lambda: None)
        # dbt compiles an incremental model to other SQL once it is there, so it is built twice,
        # and once more to see whether it stays the same.
        self.step("second build", lambda: None, counts=False)
        self.step("third build", lambda: None, counts=False)
        edits = [
            (self.change_column, 4), (self.comment, 3), (self.change_filter, 2),
            (self.change_macro, 2), (self.change_seed, 3), (self.change_config, 3),
            (self.drop, 3), (self.change_by_hand, 3), (self.add_column, 2), (self.rename, 1),
            (self.remove_or_restore, 2), (self.change_alias, 1), (self.new_rows, 3), (self.nothing, 2), (self.fail, 1), (self.kill, 1),
        ]  # fmt: skip
        if self.warehouse.adapter:
            edits += [
                (self.change_hook, 4), (self.change_hook_macro, 2), (self.change_option, 6),
                (self.change_header, 2), (self.change_function, 2), (self.change_dbt_function, 2),
                (self.change_var, 1),
                (self.run_a_part, 2), (self.run_twice_at_once, 1), *self.wider.weighted(),
            ]  # fmt: skip
        for _ in range(steps):
            (edit,) = self.random.choices([e for e, _ in edits], [w for _, w in edits])
            if edit in (self.fail, self.kill, self.run_a_part, self.run_twice_at_once):
                edit()
            else:
                # Nobody says what an option does: it may be what the model has already. Whether
                # readers of a table have to follow its name, is open.
                counts = edit not in (self.change_option, self.change_alias)
                self.step(edit.__name__, edit, counts=counts)
        return self.score

    # Edits.

    def _model(self, *kinds: str) -> Model:
        chosen = [m for m in self.product.order() if m.kind in (kinds or KINDS)]
        return self.random.choice(chosen)

    def nothing(self) -> None:
        """Leave all as it is."""

    def comment(self) -> None:
        model = self._model(*KINDS, "snapshot")
        model.note = f"-- note {self.random.randint(0, 999)}"
        if model.kind == "union":
            model.note = f"/* note {self.random.randint(0, 999)} */"

    def change_column(self) -> None:
        model = self._model()
        name = self.random.choice([c for c in model.columns if c not in ("id", "w")])
        model.columns[name] = self.product.column(model)

    def add_column(self) -> None:
        model = self._model()
        if model.materialized != "incremental":
            model.columns[f"c{len(model.columns) + 1}"] = self.product.column(model)

    def change_filter(self) -> None:
        self._model().keep = self.random.randint(0, 3)

    def change_macro(self) -> None:
        if self.random.random() < 0.5:
            self.product.macro["note"] = f"{{# {self.random.randint(0, 99)} #}}"
        else:
            self.product.macro["added"] = self.random.randint(1, 9)

    def change_seed(self) -> None:
        model = self._model("seed")
        roll = self.random.random()
        if roll < 0.3:
            model.rows.append([model.rows[-1][0] + 1, self.random.randint(0, 50), 3])
        elif roll < 0.4 and len(model.rows) > 4:
            model.rows.pop(self.random.randrange(len(model.rows)))
        else:
            self.random.choice(model.rows)[self.random.choice([1, 2])] += 1

    def change_config(self) -> None:
        model = self._model()
        is_fixed = model.materialized not in ("view", "table") or model.is_written_by_hooks
        if self.random.random() < 0.5 or is_fixed:
            model.tags += 1
        else:
            model.materialized = "table" if model.materialized == "view" else "view"
            model.around.hook = ""

    def rename(self) -> None:
        model = self._model()
        if model.materialized in ("view", "table"):
            self.product.rename(model.name, f"r_{uuid.UUID(int=self.random.getrandbits(128))}"[:9])

    def remove_or_restore(self) -> None:
        if self.product.removed and self.random.random() < 0.6:
            self.product.restore()
        else:
            self.product.remove()

    def change_alias(self) -> None:
        model = self._model()
        if model.materialized in ("view", "table") and not model.is_written_by_hooks:
            model.alias = "" if model.alias else f"other_{model.name}"

    def change_hook(self) -> None:
        fitting = [m for m in self.product.order() if m.may_have_hooks]
        if fitting:
            self.product.change_hook(self.random.choice(fitting))

    def change_hook_macro(self) -> None:
        self.product.added_by_hooks = self.random.randint(1, 9)

    def change_option(self) -> None:
        """Set a key that dbt or the adapter lists, or one that nobody knows, or remove it."""
        model = self._model(*KINDS, "seed", "snapshot", "source")
        options, kind = model.around.options, "model" if model.kind in KINDS else model.kind
        roll = self.random.random()
        if model.is_tested and roll < 0.3:
            options, kind = model.options_of_test, "test"
        elif model.has_unit_test and roll < 0.6:
            options, kind = model.options_of_unit_test, "unit_test"
        elif roll > 0.95:
            options, kind = self.product.options_of_function, "function"
        known = option_names(self.warehouse.adapter, kind)
        name = self.random.choice([*known, "own_key"])
        if name in options:
            del options[name]
        elif model.materialized != "incremental" or name not in OF_INCREMENTAL:
            options[name] = value_of(name, known.get(name, str), self.random)
            self._tried = (options, name)
            self.score.keys.add(f"{kind}.{name}")

    def change_header(self) -> None:
        headers = ("", "-- header 1", "-- header 2", *self.warehouse.headers)
        self._model().around.header = self.random.choice(headers)

    def change_var(self) -> None:
        self.product.unused_var += 1

    def change_function(self) -> None:
        """Give the function that models call another body, by hand."""
        added = self.random.randint(1, 9)
        for folder in (self.ours, self.plain) if self.warehouse.adapter else ():
            self.warehouse.define(folder, FUNCTION, added)

    def change_dbt_function(self) -> None:
        self.product.added_by_function = self.random.randint(1, 9)

    def new_rows(self) -> None:
        model = self._model("source")
        top = max(row[1] for row in model.rows) + 1
        model.rows.append([len(model.rows) + 1, top, self.random.randint(0, 9)])
        self._load_sources()
        self.wider.write_files()

    def drop(self) -> None:
        self._by_hand(self._standing("view", "table"), "drop {kind} {name}")

    def change_by_hand(self) -> None:
        wild = [
            "update {name} set id = id + 1",
            "delete from {name}",
            "insert into {name} (id) values (99)",
        ]
        self._by_hand(self._standing("table"), self.random.choice(wild))

    def _standing(self, *materialized: str) -> list[Model]:
        seeds = (
            [m for m in self.product.order() if m.kind == "seed"] if "table" in materialized else []
        )
        return seeds + [
            m for m in self.product.order() if m.kind in KINDS and m.materialized in materialized
        ]

    def _by_hand(self, models: list[Model], sql: str) -> None:
        model = self.random.choice(models)
        kind = self.warehouse.kinds(self.ours).get(model.relation)
        if kind is not None and (kind == "table" or "drop" in sql):
            self.warehouse.execute(self.ours, sql.format(kind=kind, name=model.relation))
            self._spoiled.add(model.name)
            if "drop" in sql and self.warehouse.drops_views:
                self._spoiled |= self._views_of({model.name})

    def _load_sources(self) -> None:
        self._loads += 1
        for model in self.product.order():
            if model.kind == "source" and model.knows != "file":
                rows = ", ".join(f"({a}, {b}, {c})" for a, b, c in model.rows)
                for folder in (self.ours, self.plain):
                    self.warehouse.load(folder, model.name, rows)

    def fail(self) -> None:
        """Break a model or let a test fail, and put it right in the next step."""
        whole = [m for m in self._standing("table") if m.kind != "seed"]
        model = self._model() if self.warehouse.checks_views else self.random.choice(whole)
        tested = [m for m in self.product.order() if m.is_tested]
        if tested and self.random.random() < 0.5:
            model = self.random.choice(tested)
            model.fails = True
        else:
            model.note = "where no_such_column = 1 --" if not model.keep else "and no_such = 1 --"
        self.step("failing", lambda: None, is_green=False)
        model.fails, model.note = False, ""
        self.step("put right", lambda: None)

    def kill(self) -> None:
        """Kill a build in its middle, and build again."""
        self.change_column()
        self.change_seed()
        self._write()
        compile_product(self.ours)
        if self.random.random() < 0.5:
            self._start(killed_after=self.random.randint(1, 6)).wait()
        else:
            build = self._start()
            with suppress(subprocess.TimeoutExpired):
                build.wait(self.random.uniform(1, 12))
            build.kill()
            build.wait()
        _build_plain(self.plain)
        self.step("after a kill", lambda: None, counts=False)
        self._either |= self._unsettled

    def _start(self, killed_after: int = 100_000) -> subprocess.Popen[bytes]:
        """Start a build in a process of its own, which kills itself after so many green nodes."""
        command = [sys.executable, __file__, "--killed-after", str(killed_after), str(self.ours)]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def run_a_part(self) -> None:
        """Change something and build some nodes, then all."""
        self.change_column()
        self.change_seed()
        self._write()
        names = [m.name for m in self.product.order() if m.kind in (*KINDS, "seed")]
        built = [n for n in names if self.product.models[n].materialized != "ephemeral"]
        chosen = self.random.sample(built, 4)
        compile_product(self.ours)
        failed = [r for r in _results(self.ours, chosen) if r.status in ("error", "fail")]
        _build_plain(self.plain, chosen)
        if not failed:
            self._compare(f"part {chosen}", self._contents(self.plain, chosen))
        self.step("after a part", lambda: None, counts=False)
        self._either |= self._unsettled

    def run_twice_at_once(self) -> None:
        """Change something, and start two builds at the same time."""
        self.change_column()
        self.change_seed()
        self._write()
        compile_product(self.ours)
        for each in (self._start(), self._start()):
            each.wait()
        if not self.warehouse.has_one_writer:
            # Two builds of plain dbt at once add the same rows twice, too.
            for model in self.product.order():
                if model.materialized in ("snapshot", "incremental"):
                    for folder in (self.ours, self.plain):
                        self.warehouse.execute(folder, f"drop table if exists {model.relation}")
        _build_plain(self.plain)
        self.step("after two at once", lambda: None, counts=False)
        if not self.warehouse.has_one_writer:
            # What is incremental compiles to other SQL once it is there again.
            self.step("once more", lambda: None, counts=False)
        self._either |= self._unsettled

    # Steps.

    def step(
        self, what: str, edit: Callable[[], None], *, is_green: bool = True, counts: bool = True
    ) -> None:
        """Change the product, build it on both sides, and compare."""
        self._turn += 1
        where = f"step {self.score.steps} ({what})"
        edit()
        self._write()
        tried, self._tried = self._tried, None
        try:
            results = build_ours(self.ours)
        except InvalidProductError as error:
            results = {}
            if is_green and not tried:
                self.score.wrong.append(f"{where}: refused: {error}")
        verdicts = _build_plain(self.plain)
        if tried and not _is_green(results) and not _is_green(verdicts):
            del tried[0][tried[1]]
            return self.step(f"without {tried[1]}", lambda: None, counts=False)
        names = [m.name for m in self.product.order() if m.materialized != "ephemeral"]
        plain = self._contents(self.plain, names)
        tables = [m.name for m in self.product.order() if _is_table(m)]
        self._found = {name: plain[name] for name in tables}
        failed = [i for i, status in results.items() if status in NOT_GREEN]
        if is_green and failed:
            self.score.wrong.append(f"{where}: not green: {failed}")
        relations = {i: s for i, s in results.items() if not i.startswith("function.")}
        built = {i.split(".")[2] for i, s in relations.items() if s == "success"}
        needed = self._needed()
        either = self._may_be_built()
        counted = built - either
        needed -= either
        if is_green:
            self._compare(where, plain)
            self._compare_failures(where)
        self._compare_tests(where, results, verdicts)
        if counts and is_green:
            self.score.steps += 1
            self.score.nodes += len(relations)
            self.score.built += len(counted)
            self.score.needed += len(needed)
            if counted - needed:
                self.score.too_much.append(f"{where}: {sorted(counted - needed)}")
            if needed - counted:
                self.score.too_little.append(f"{where}: {sorted(needed - counted)}")
        green = {i.split(".")[2] for i, s in results.items() if s in ("success", "reused")}
        self._note_settled(built)
        self._note(green)
        if self.warehouse.drops_views:  # Views that were dropped, and then held back.
            self._spoiled |= self._views_of(built) - built

    def _compare_tests(
        self, where: str, results: Mapping[str, str], verdicts: Mapping[str, str]
    ) -> None:
        """Compare the verdicts on tests with plain dbt's; one that passed may be reused."""
        for test_id, verdict in verdicts.items():
            ours = results.get(test_id, "missing")
            if test_id.startswith("test.") and ours not in _AS_PLAIN.get(verdict, (verdict,)):
                self.score.wrong.append(f"{where}: {test_id}: {ours}, plain dbt: {verdict}")

    def _compare_failures(self, where: str) -> None:
        """Compare the tables in which tests store the rows that fail them."""
        stored = [m.name for m in self.product.order() if m.is_tested and _stores_failures(m)]
        for name in stored if self.warehouse.adapter else ():
            ours, plain = (
                self.warehouse.failures(folder, f"checks_{name}")
                for folder in (self.ours, self.plain)
            )
            if ours != plain:
                self.score.wrong.append(f"{where}: failures of {name}: {ours} and {plain}")

    def _contents(self, folder: Path, names: Iterable[str]) -> dict[str, Any]:
        models = [self.product.models[name] for name in names]
        found = self.warehouse.contents(folder, [m.relation for m in models])
        has_times = any(key.startswith("snapshot.") for key in self.score.keys)
        return {
            m.name: _without_times(found[m.relation])
            if m.kind == "snapshot" and has_times
            else found[m.relation]
            for m in models
        }

    def _write(self) -> None:
        for folder in (self.ours, self.plain):
            self.product.write(folder, self.warehouse.source_schema(folder))
            (folder / "manifest.yaml").write_text(self.warehouse.manifest(folder))
        (self.plain / "profiles.yml").write_text(self.warehouse.profile(self.plain))

    def _needed(self) -> set[str]:
        """Return what had to be built, by the description alone."""
        for _ in self.product.models:  # What adds is new once it is built, and so on below.
            fingerprints = self._fingerprints()
            adding = [m for m in self.product.order() if self._is_always_new(m)]
            fresh = {
                m.name: digest(fingerprints[m.name], self._turn)
                for m in adding
                if m.name in fingerprints and self._changed(m.name, fingerprints)
            }
            if all(self._new.get(name) == value for name, value in fresh.items()):
                break
            self._new |= fresh
        fingerprints = self._fingerprints()
        needed = {n for n in fingerprints if self._changed(n, fingerprints)}
        views = self._views_of(needed) if self.warehouse.rebuilds_views else set()
        return needed | (views & fingerprints.keys())

    def _views_of(self, names: set[str]) -> set[str]:
        """Return the views that are dropped with these relations, views of such views too."""
        found: set[str] = set()
        through = set(names)
        # A removed model may come before those that it reads.
        models = [*self.product.order(), *reversed(self.product.removed.values())]
        for model in models:
            if through & {*model.parents} and model.materialized in ("view", "ephemeral"):
                through.add(model.name)
                found |= {model.name} if model.materialized == "view" else set()
        return found

    def _may_be_built(self) -> set[str]:
        """Return what nothing but its own rows may require to be built again, or not."""
        now = self._fingerprints()
        changed = self._spoiled | {name for name in now if self._green.get(name) != now[name]}
        return self._either - changed

    def _is_always_new(self, model: Model) -> bool:
        return model.materialized in ("incremental", "snapshot") or self._varies(model)

    def _changed(self, name: str, now: dict[str, str]) -> bool:
        known = self._green.get(name)
        return (
            known is None
            or known != now[name]
            or name in self._spoiled
            or name in self._unsettled
            or self._varies(self.product.models[name])
        )

    def _varies(self, model: Model) -> bool:
        """Return whether nobody can say that a build of it would give the same."""
        if model.kind in ("source", "file") or model.way_to_add == BY_BATCH:
            return model.kind != "source"
        through = [self.product.models[p] for p in model.parents]
        made = {what for what, _ in model.columns.values()}
        # The packaged macro reads a variable, and nobody can say that a hook or a header does not
        # call it.
        runs_more = model.around.hook != "" or model.around.header != ""
        is_open = model.around.is_foreign or (runs_more and "packaged" in made)
        is_noted = model.is_written_by_hooks and any(
            each.around.hook == "notes" for each in self.product.models.values()
        )
        own = is_open or is_noted or bool(made & {*VARYING})
        return own or any(self._varies(p) for p in through if p.materialized == "ephemeral")

    def _versions(self) -> dict[str, dict[str, str]]:
        new = dict(self._new)
        for model in self.product.order():
            if model.kind == "source":
                marks = self.warehouse.marks_rows and model.knows != "file"
                when = self._loads if marks else self._turn
                is_known = model.knows not in ("nothing", "file")
                new[model.name] = digest(model.rows) if is_known else digest(when, "new")
        kept = {
            name: version
            for name, (content, version) in self._known.items()
            if self._found.get(name) == content
        }
        return self.product.versions(new, kept)

    def _fingerprints(self) -> dict[str, str]:
        versions = self._versions()
        texts = {m.name: self._text(m) for m in self.product.order()}
        return {
            m.name: digest(m.materialized, texts[m.name], self._read(m, versions))
            for m in self.product.order()
            if m.kind != "source" and m.materialized != "ephemeral"
        }

    def _read(self, model: Model, versions: dict[str, dict[str, str]]) -> Any:
        """Return the versions of all that a model reads, through ephemeral models too."""
        if model.kind == "seed":
            return model.rows, model.seed_type
        # A hook that changes rows may read any column.
        if model.materialized in ("incremental", "snapshot") or model.around.changes_rows:
            return [self.product.whole(p, versions) for p in model.parents]
        return self.product.version(model, versions)

    def _text(self, model: Model) -> Any:
        """Return what of a model's text counts: neither notes nor tags, and ephemeral ones too."""
        note = ""
        above = [
            self._text(self.product.models[p])
            for p in model.parents
            if self.product.models[p].materialized == "ephemeral"
        ]
        macro = any(what == "macro" for what, _ in model.columns.values())
        return (
            model.relation,
            [self.product.models[p].relation for p in model.parents],
            model.name,
            model.parents,
            model.columns,
            model.contract,
            model.keep,
            model.style,
            note,
            above,
            macro and self.product.macro["added"],
            model.around.header if model.materialized != "ephemeral" else "",
            self.product.hook_of(model),
            self.product.unused_var,
            sorted(self.product.settings.items()),
            self.product.type_order,
            self.product.extension,
            self.product.package.project,
            self._said(model),
        )

    def _said(self, model: Model) -> object:
        """Return the texts that a build of a model writes into the warehouse."""
        is_kept = model.around.options.get("persist_docs")
        return (self.product.docs, model.described) if is_kept else ()

    def _note_settled(self, built: set[str]) -> None:
        """Note which models that add rows came to the same as in the build before."""
        fingerprints = self._fingerprints()
        for name in built & self._found.keys():
            model = self.product.models[name]
            if model.materialized not in ("incremental", "snapshot") or model.way_to_add == "newer":
                continue
            known, content = self._green.get(name), self._known.get(name, (None, {}))[0]
            is_same = content == self._found[name]
            self._unsettled.discard(name)
            self._either.discard(name)
            if not is_same or known != fingerprints[name]:
                self._unsettled.add(name)
            if is_same and known != fingerprints[name]:
                self._either.add(name)

    def _note(self, green: set[str]) -> None:
        versions = self._versions()
        for name, fingerprint in self._fingerprints().items():
            if name in green:
                self._green[name] = fingerprint
                self._spoiled.discard(name)
                self._known.pop(name, None)
                if name in self._found:
                    self._known[name] = (self._found[name], versions[name])

    def _compare(self, where: str, plain: dict[str, Any]) -> None:
        ours = self._contents(self.ours, plain)
        for name, content in plain.items():
            if ours[name] != content:
                self.score.wrong.append(f"{where}: {name}: {ours[name]} and {content}")


def _is_table(model: Model) -> bool:
    lasting = ("table", "incremental", "snapshot")
    return model.kind == "seed" or (model.kind != "source" and model.materialized in lasting)


def _stores_failures(model: Model) -> bool:
    options = {"store_failures": model.stores_failures} | model.options_of_test
    return bool(options.get("store_failures_as") or options["store_failures"])


def _without_times(content: Any) -> Any:
    """Return the content of a snapshot that may have the times of its builds, without them."""
    if isinstance(content, str):
        return content
    told, rows = content
    columns = told[0] if isinstance(told, tuple) else told
    is_time = [each[0].startswith("dbt_") or each[0] == "until" for each in columns]
    kept = [
        [value is None if hidden else value for value, hidden in zip(row, is_time, strict=True)]
        for row in rows
    ]
    return told, sorted(kept, key=repr)


def build_ours(folder: Path) -> dict[str, str]:
    """Compile and build under floe; return node id -> status."""
    compile_product(folder)
    return {r.unique_id: r.status for r in _results(folder)}


def _results(folder: Path, names: list[str] | None = None) -> Any:
    artifacts = CompiledArtifacts.load(folder)
    ids = None if names is None else tuple(n.unique_id for n in artifacts.built if n.name in names)
    request = BuildRequest(artifacts.jobs[0].name, uuid.uuid4().hex[:8], ids)
    return (e for e in build(artifacts, request) if isinstance(e, NodeResult))


def _is_green(results: Mapping[str, str]) -> bool:
    return bool(results) and not {*NOT_GREEN} & {*results.values()}


def _build_plain(folder: Path, names: list[str] | None = None) -> dict[str, str]:
    """Build with plain dbt; return node id -> status, nothing if dbt does not begin."""
    from dbt.cli.main import dbtRunner

    place = ["--project-dir", str(folder), "--profiles-dir", str(folder), "--log-level", "none"]
    here = Path.cwd()
    os.chdir(folder)
    try:
        chosen = ["--select", *names, "--exclude-resource-type", "test"] if names else []
        done = dbtRunner().invoke(["build", *place, "--no-write-json", "--quiet", *chosen])
        found = getattr(done.result, "results", None) or ()
        return {str(each.node.unique_id): str(each.status) for each in found}
    finally:
        os.chdir(here)
        release_warehouse()
        release_adapters()


def run_history(seed: int, steps: int = 6, size: int = 0, kind: str = "duckdb") -> Score:
    """Run one history in a folder of its own, and on PostgreSQL in databases of its own."""
    size = size or 20 + seed % 41
    folder = Path(tempfile.mkdtemp(prefix="floe-reuse-"))
    try:
        with warehouse_of(kind) as warehouse:
            return History(seed, folder, warehouse, size).run(steps)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Run so many histories, and print what they came to."""
    if sys.argv[1] == "--build":
        print(json.dumps(build_ours(Path(sys.argv[2]))))
        return
    if sys.argv[1] == "--killed-after":
        left = int(sys.argv[2])
        for result in _results(Path(sys.argv[3])):
            left -= result.status == "success"
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return
    first, last = (0, int(sys.argv[1])) if len(sys.argv) == 2 else map(int, sys.argv[1:3])
    kind = sys.argv[3] if len(sys.argv) > 3 else "duckdb"
    steps, size = map(int, sys.argv[4:6]) if len(sys.argv) > 5 else (6, 0)
    enable_test_caching()  # dbt parses the same macros again and again.
    total, is_good = Score(), True
    for seed in range(first, last):
        score = run_history(seed, steps, size, kind)
        for name in ("steps", "nodes", "built", "needed"):
            setattr(total, name, getattr(total, name) + getattr(score, name))
        total.wrong += score.wrong
        total.keys |= score.keys
        is_good = is_good and not score.wrong and score.is_within_bounds
        for text in score.wrong:
            print(f"WRONG history {seed} {text[:600]}", flush=True)
        for text in score.too_much:
            print(f"more than needed: history {seed} {text[:200]}", flush=True)
        for text in score.too_little:
            print(f"FEWER than needed: history {seed} {text[:200]}", flush=True)
        if not score.is_within_bounds:
            print(f"OUT OF BOUNDS history {seed}: {score.built} of {score.needed}", flush=True)
        done = f"{seed + 1 - first} histories, {total.steps} steps, {total.nodes} results"
        print(
            f"{done}: built {total.built}, needed {total.needed}, wrong {len(total.wrong)}",
            flush=True,
        )
    print(f"keys that were set: {' '.join(sorted(total.keys))}")
    is_over = last - first >= 20 and total.built > total.needed * MOST_OVER_IN_ALL
    sys.exit(is_over or not is_good)


if __name__ == "__main__":
    main()
