"""What Dagster marks as out of sync is what floe would build anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import AssetKey, DagsterInstance
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest
from floe_core.execution.plan_of_run import plan_run
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.loader import load_product_definitions

FIRST = "select id, name, amount + 1 as amount from {{ ref('people') }}"
FILES = {
    "seeds/people.csv": "id,name,amount\n1,Ada,5\n2,Grace,7\n",
    "macros/twice.sql": "{% macro twice(x) %}{{ x }} * 2{% endmacro %}",
    "models/first.sql": FIRST,
    "models/inlined.sql": "{{ config(materialized='ephemeral') }} select 7 as seven",
    "models/middle.sql": "select *, {{ twice('amount') }} as more from {{ ref('first') }}",
    "models/last.sql": "select id, more from {{ ref('middle') }}",
    "models/aside.sql": "select * from {{ ref('first') }}, {{ ref('inlined') }}",
}
EVERYTHING = {"people", "first", "middle", "last", "aside"}


class Product:
    """A product that runs on an instance of Dagster's, and is changed between its runs."""

    def __init__(self, folder: Path, instance: DagsterInstance) -> None:
        self.folder = folder
        self.instance = instance
        self._runs = 0

    def write(self, path: str, text: str) -> None:
        (self.folder / path).write_text(text)
        compile_product(self.folder)

    def stale(self) -> set[str]:
        """Return the assets that Dagster marks as missing or out of sync."""
        definitions = load_product_definitions("web-shop", self.folder)
        graph = definitions.get_repository_def().asset_graph
        context = LoadingContextForTest(self.instance)
        statuses = CachingStaleStatusResolver(self.instance, graph, context)
        keys = (AssetKey(name) for name in EVERYTHING)
        return {k.path[-1] for k in keys if statuses.get_status(k) != StaleStatus.FRESH}

    def planned(self) -> set[str]:
        """Return the relations that floe would build."""
        artifacts = CompiledArtifacts.load(self.folder)
        plan = plan_run(artifacts, BuildRequest(artifacts.jobs[0].name, "plan"))
        return {i.split(".")[2] for i, each in plan.decisions.items() if each.action == "build"}

    def run(self, names: set[str] | None = None) -> None:
        definitions = load_product_definitions("web-shop", self.folder)
        job = definitions.resolve_job_def("web_shop")
        keys = None if names is None else [AssetKey(name) for name in names]
        assert job.execute_in_process(instance=self.instance, asset_selection=keys).success


@pytest.fixture
def product(compiled) -> Iterator[Product]:
    artifacts = compiled(FILES, floe="execution: {reuse: unchanged}\n")
    with DagsterInstance.ephemeral() as instance:
        yield Product(artifacts.folder, instance)


@pytest.mark.parametrize(
    ("path", "text", "built"),
    [
        ("models/first.sql", FILES["models/first.sql"] + "\n", set()),
        ("models/first.sql", FIRST.replace("select", "SELECT  -- all of it\n"), set()),
        ("models/first.sql", FIRST.replace("+ 1", "+ 2"), {"first", "middle", "last", "aside"}),
        (
            "models/first.sql",
            FIRST + " where id > 1",
            EVERYTHING - {"people"},
        ),
        ("models/last.sql", "select more from {{ ref('middle') }}", {"last"}),
        ("models/inlined.sql", FILES["models/inlined.sql"].replace("7", "8"), {"aside"}),
        ("macros/twice.sql", FILES["macros/twice.sql"].replace("2", "3"), {"middle", "last"}),
        ("seeds/people.csv", "id,name,amount\n1,Ada,6\n2,Grace,7\n", EVERYTHING),
        (
            "models/aside.sql",
            "{{ config(materialized='view', tags=['x']) }}" + FILES["models/aside.sql"],
            {"aside"},
        ),
        ("models/aside.sql", "{{ config(tags=['x']) }}" + FILES["models/aside.sql"], set()),
    ],
    ids=[
        "blanks",
        "comment",
        "column",
        "filter",
        "leaf",
        "ephemeral",
        "macro",
        "seed",
        "view",
        "tag",
    ],
)
def test_what_dagster_marks_is_what_floe_would_build(
    path: str, text: str, built: set[str], product: Product
) -> None:
    assert product.stale() == EVERYTHING
    product.run()
    assert (product.stale(), product.planned()) == (set(), set())
    product.write(path, text)
    assert product.planned() == built
    # Dagster marks what has changed itself, and a reader once what it reads is built anew.
    marked: set[str] = set()
    while stale := product.stale():
        assert not stale & marked, "it is marked although it was built"
        marked |= stale
        product.run(stale)
    assert marked == built


def test_after_a_run_with_reuse_nothing_is_marked(product: Product) -> None:
    product.run()
    product.write("models/first.sql", FIRST.replace("+ 1", "+ 2"))
    product.run()
    assert product.stale() == set()


def test_a_reader_of_other_columns_is_marked_until_it_is_built(product: Product) -> None:
    product.write("models/last.sql", "select id from {{ ref('middle') }}")
    product.run()
    product.write("models/first.sql", FIRST.replace("+ 1", "+ 2"))
    assert "last" not in product.planned()
    product.run()
    # Dagster compares versions of whole assets.
    assert product.stale() == {"last"}
