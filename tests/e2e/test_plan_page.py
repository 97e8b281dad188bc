"""The page of a plan, in a real browser."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from floe_core.cli.main import app
from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, build

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "pictures"))
READY = "document.documentElement.dataset.ready === 'yes'"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Open the page of a product whose last model has changed since its run."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium here")
    from browser import browser

    folder = tmp_path_factory.mktemp("examples")
    shutil.copy(ROOT / "examples" / "manifest.yaml", folder)
    shutil.copytree(ROOT / "examples" / "hello", folder / "hello")
    artifacts = compile_product(folder / "hello", reuse=True)
    for run_id in ("one", "two"):
        list(build(artifacts, BuildRequest(job=artifacts.jobs[0].name, run_id=run_id)))
    model = folder / "hello" / "models" / "greetings.sql"
    model.write_text(model.read_text().replace("'Hello", "'Good morning"))
    path = folder / "plan.html"
    done = CliRunner().invoke(app, ["plan", str(folder / "hello"), "--html", str(path)])
    assert done.exit_code == 0, done.output
    with browser(chromium) as opened:
        opened.open(path.as_uri(), ready=READY, settled_seconds=0.5)
        yield opened


def panel(page: Any) -> str:
    return str(page.evaluate("$('panel').innerText"))


def test_the_graph_has_each_relation_and_what_becomes_of_it(page: Any) -> None:
    drawn = page.evaluate(
        "JSON.stringify(Object.fromEntries(cy.nodes().map(n => [n.data('label'), "
        "n.data('action')])))"
    )
    assert json.loads(drawn) == {"people": "reuse", "stg_people": "reuse", "greetings": "build"}
    assert page.evaluate("cy.edges().length") == 2


def test_it_says_what_is_built_and_what_earlier_runs_saved(page: Any) -> None:
    page.evaluate("choose(null)")
    told = panel(page)
    assert "greetings" in told
    assert "its code changed" in told
    rows = page.evaluate("$('panel').querySelectorAll('tr').length")
    assert rows == 1 + 2


def test_a_node_that_is_chosen_says_why_and_what_it_reads(page: Any) -> None:
    page.evaluate("choose('model.hello.stg_people')")
    told = panel(page)
    assert "is reused" in told
    assert "unchanged since run one" in told
    assert "people" in told
    assert page.evaluate("cy.nodes('.far').length") == 0
    assert str(page.evaluate("location.hash")) == "#model.hello.stg_people"


def test_a_large_graph_is_drawn_in_columns(page: Any) -> None:
    """In a chain of this length, dagre exceeds the stack."""
    wrong = page.evaluate(
        """(() => {
          const graph = new dagre.graphlib.Graph();
          graph.setGraph({nodesep: 14, ranksep: 80});
          graph.setDefaultEdgeLabel(() => ({}));
          for (let i = 0; i < 9000; i++) graph.setNode(`${i}`, {width: 60, height: 32});
          for (let i = 3; i < 9000; i++)
            for (const by of [3, 2 + i % 2]) graph.setEdge(`${i - by}`, `${i}`);
          arrange(graph);
          const boxes = new Set(graph.nodes().map(id => `${graph.node(id).x} ${graph.node(id).y}`));
          return [graph.edges().filter(({v, w}) => !(graph.node(v).x + 60 < graph.node(w).x)).length,
            boxes.size];
        })()"""
    )
    assert wrong == [0, 9000]
