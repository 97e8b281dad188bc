"""Checks of runs with reuse: unchanged models are reused, changed ones are built."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from floe_conformance import kit_product
from floe_conformance.records import RanProduct
from floe_conformance.subject import Subject

VERSION_FILE = "version"
# The models that the second run must reuse, and those that the third must build again: all models
# that read the source.
BUILT_ONCE = frozenset({"stg_orders", "stg_people", "orders", "daily_sales"})
BELOW_THE_STEP = frozenset({"stg_people", "orders", "daily_sales"})

_STEPS = """\
import json
import os
from pathlib import Path

import duckdb


def load_people():
    version = Path("version").read_text()
    with duckdb.connect(os.environ["FLOE_WAREHOUSE_FILE"]) as warehouse:
        warehouse.execute("create or replace table people as "
                          "select * from (values (1, 'Ada'), (2, ?)) as people (id, name)",
                          [f"Grace {version}"])
    with open(os.environ["FLOE_FACTS_FILE"], "a") as facts:
        facts.write(json.dumps({"dataset": "erp.people", "version": version}) + "\\n")
"""
# A hook that writes another table runs each time, so nodes that have one are never reused.
_BEFORE_HOOK, _, _AFTER_HOOK = kit_product.STEPS["dbt_project.yml"].partition("  # Written beside")
REUSED = {
    **kit_product.STEPS,
    "dbt_project.yml": f"{_BEFORE_HOOK}{_AFTER_HOOK[_AFTER_HOOK.index('# What others fill') :]}",
    "floe.yaml": kit_product.STEPS["floe.yaml"]
    .replace("execution: {", "execution: {reuse: unchanged, ")
    .partition("  - {name: export_sales")[0],
    "shop_steps.py": _STEPS,
    VERSION_FILE: "1",
}


@dataclass(frozen=True)
class RepeatedRun:
    """What was recorded about a run, and the models that dbt built in it."""

    recorded: RanProduct
    built: frozenset[str]


class ReuseChecks(Subject):
    """Three runs of one folder: the first, one without changes, one after a step wrote new data.

    A plugin that runs `floe_core.execution.build` gets reuse. Skipped if `run` is not implemented.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def repeated(cls, tmp_path_factory: pytest.TempPathFactory) -> tuple[RepeatedRun, ...]:
        """The three runs, in order."""
        if cls.run is Subject.run:
            pytest.skip("run is not supplied")
        product = cls.compile(tmp_path_factory.mktemp("reuse"), REUSED)
        subject, folder = cls(), product.folder
        definitions = subject.plugin().create_definitions(product)
        runs: list[RepeatedRun] = []
        for version in ("1", "1", "2"):
            (folder / VERSION_FILE).write_text(version, "utf-8")
            recorded = subject.run(definitions, folder)
            runs.append(RepeatedRun(recorded, _mark_new(folder)))
        return tuple(runs)

    def test_a_run_without_news_builds_nothing_and_is_green(
        self, repeated: tuple[RepeatedRun, ...]
    ) -> None:
        """The step runs, and reports that its source still has the same version."""
        first, second, _ = repeated
        assert first.built == BUILT_ONCE
        assert (second.built, second.recorded.succeeded) == (frozenset(), True)

    def test_what_a_step_wrote_anew_is_built_and_all_that_reads_it(
        self, repeated: tuple[RepeatedRun, ...]
    ) -> None:
        """Every model downstream of the step is built again; other models may be as well."""
        assert repeated[2].built >= BELOW_THE_STEP


def _mark_new(folder: Path) -> frozenset[str]:
    """Return the models that were built since the last call: they have lost its comment."""
    found = "select table_name, comment from duckdb_{}s() where schema_name = 'main'"
    with duckdb.connect(str(folder / kit_product.WAREHOUSE)) as warehouse:
        new = set[str]()
        for kind in ("table", "view"):
            rows = warehouse.execute(found.replace("table_name", f"{kind}_name").format(kind))
            names = {str(name) for name, comment in rows.fetchall() if comment is None}
            for name in names & BUILT_ONCE:
                warehouse.execute(f"comment on {kind} main.{name} is 'built before'")
                new.add(name)
    return frozenset(new)
