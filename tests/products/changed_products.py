"""Random changes of a random product, each checked and held against two full builds by plain dbt.

    python tests/products/changed_products.py 20

What had to be built is known twice without reading any SQL: by the tables of the two full builds,
column by column, and by the product's description.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
from changed_shop import run_dbt
from changing_product import Model
from history_warehouses import DuckDbFiles
from reuse_histories import History

from floe_ci.check import Change, check_change
from floe_ci.report import ChangeReport

RELATIONS = ("model", "seed", "snapshot")


@dataclass
class Outcome:
    """One change. Sets are of relations' names; `wrong` is what must not be."""

    edits: list[str]
    differing: set[str]
    needed: set[str]
    built: set[str]
    by_dbt: set[str]
    wrong: list[str] = field(default_factory=list)


class ChangedProduct(History):
    """A product with two states: `ours` is the base, built as production; `plain` is the head."""

    may_read_files = False  # Both sides read the same rows of every source.

    def __init__(self, seed: int, folder: Path, size: int) -> None:
        super().__init__(seed, folder, DuckDbFiles(), size)
        for model in self.product.order():
            # Both sides read the same rows of every source.
            model.knows = "content" if model.kind == "source" else model.knows
        self.edits: list[str] = []
        self._write()
        self._turn = 1
        self._needed()
        self._note(set(self.product.models))
        self._build_all(self.ours)
        self._turn = 2

    def change(self, count: int) -> None:
        """Edit the product so many times, and write and build the head."""
        kinds = [
            self.change_column, self.add_column, self.change_filter, self.change_macro,
            self.change_seed, self.change_config, self.comment, self.rename,
        ]  # fmt: skip
        for edit in self.random.choices(kinds, [4, 3, 2, 1, 1, 2, 2, 1], k=count):
            edit()
            self.edits.append(edit.__name__)
        self.product.write(self.plain, self.warehouse.source_schema(self.plain))
        self._build_all(self.plain)

    def _build_all(self, folder: Path) -> None:
        profiles = folder.parent / f"profiles-of-{folder.name}"
        profiles.mkdir(exist_ok=True)
        path = folder / "shop.duckdb"
        text = self.warehouse.profile(folder).replace("shop.duckdb", str(path))
        (profiles / "profiles.yml").write_text(text)
        (folder / "profiles.yml").unlink(missing_ok=True)
        run_dbt(folder, "build", "--profiles-dir", str(profiles), "--no-partial-parse")

    def _varies(self, model: Model) -> bool:
        # Both sides read the same moment.
        return False

    def outcome(self) -> Outcome:
        """Check the change, and hold the report against the full builds."""
        needed = self._needed() - {"history"}
        report = check_change(Change(str(self.ours), str(self.plain)))
        built = {i.split(".")[2] for i in report.results if i.startswith(RELATIONS)}
        differing = self._differing()
        outcome = Outcome(self.edits, differing, needed, built, self._modified_by_dbt())
        outcome.wrong += [f"{i} did not pass" for i in report.failed]
        outcome.wrong += [f"{name} was not to be built" for name in built - needed]
        outcome.wrong += [f"{name} was to be built" for name in needed - built]
        outcome.wrong += [f"{name} differs and was not built" for name in differing - built]
        outcome.wrong += [f"{n} was built, which dbt left out" for n in built - outcome.by_dbt]
        outcome.wrong += self._wrong_data(report, built)
        return outcome

    def _wrong_data(self, report: ChangeReport, built: set[str]) -> list[str]:
        """Return where the check saw other tables than the full builds have."""
        if report.data is None:
            return []
        shared = built & self._tables(self.ours).keys() & self._tables(self.plain).keys()
        stamped = {n for n in shared if self._is_of_the_moment(n)}
        seen = {table.node_id.split(".")[2] for table in report.data.tables} - stamped
        expected = (self._differing() & shared) - stamped
        return [f"{name}: data differ in one of the two only" for name in seen ^ expected]

    def _is_of_the_moment(self, name: str) -> bool:
        model = self.product.models.get(name)
        return model is not None and super()._varies(model)

    def _differing(self) -> set[str]:
        """Return the relations of the head whose full build is not the base's."""
        before, after = self._tables(self.ours), self._tables(self.plain)
        names = {
            m.name
            for m in self.product.order()
            if m.kind != "source" and m.materialized not in ("ephemeral", "snapshot")
        }
        return {name for name in names & after.keys() if before.get(name) != after[name]}

    def _tables(self, folder: Path) -> dict[str, dict[str, Any]]:
        """Return table -> column -> its type and values, of all rows in one order."""
        found = {}
        with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as connection:
            # What tests store of their failures is in a schema of its own.
            names = connection.execute(
                "select table_name from information_schema.tables where table_schema = 'main'"
            ).fetchall()
            for (name,) in names:
                told = connection.execute(f'select * from "{name}" order by all')
                columns = [(each[0], str(each[1])) for each in told.description or ()]
                values = list(zip(*told.fetchall(), strict=True)) or [()] * len(columns)
                found[name] = {c: (kind, v) for (c, kind), v in zip(columns, values, strict=True)}
        return found

    def _modified_by_dbt(self) -> set[str]:
        """Return what `dbt ls -s state:modified+` takes, with the base as the state."""
        profiles = self.plain.parent / "profiles-of-plain"
        told = run_dbt(
            self.plain, "ls", "--profiles-dir", str(profiles), "--quiet", "--output", "json",
            "--select", "state:modified+", "--state", str(self.ours / "target" / "plain"),
            "--resource-type", "model", "--resource-type", "seed", "--resource-type", "snapshot",
        )  # fmt: skip
        lines = (line for line in told.splitlines() if line.startswith("{"))
        return {json.loads(line)["name"] for line in lines}


def run_change(seed: int, edits: int = 6, size: int = 36) -> Outcome:
    """Check one random change in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="floe-change-"))
    try:
        product = ChangedProduct(seed, folder, size)
        product.change(edits)
        return product.outcome()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Check so many changes, and print what they came to."""
    outcomes = []
    for seed in range(int(sys.argv[1])):
        outcome = run_change(seed)
        outcomes.append(outcome)
        print(
            f"change {seed} ({', '.join(outcome.edits)}): {len(outcome.differing)} tables differ, "
            f"{len(outcome.needed)} needed, {len(outcome.built)} built, dbt builds "
            f"{len(outcome.by_dbt)}; wrong: {outcome.wrong}",
            flush=True,
        )
    for name in ("differing", "needed", "built", "by_dbt"):
        print(f"{name}: {sum(len(getattr(each, name)) for each in outcomes)}")
    sys.exit(any(outcome.wrong for outcome in outcomes))


if __name__ == "__main__":
    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "False")
    main()
