"""The lineage page of a hundred models, in a real browser."""

from __future__ import annotations

import itertools
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from floe_core.cli.lineage_views import lineage_page
from floe_core.lineage.lineage_map import ColumnOrigin, LineageMap, MappedTable
from floe_core.schemas.nodes import Node

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts" / "pictures"))
READY = "document.documentElement.dataset.ready === 'yes'"

pytestmark = pytest.mark.slow


def table(kind: Any, name: str, *reads: MappedTable) -> MappedTable:
    node = Node(
        unique_id=f"{kind}.shop.{name}",
        name=name,
        resource_type=kind,
        package="shop",
        description=f"<!--<script> {name}",
        owners=("data@example.com",),
    )
    origins = tuple(ColumnOrigin(each.node.unique_id, "id", ("identity",)) for each in reads[:1])
    test = Node(
        unique_id=f"test.shop.unique_{name}",
        name=f"unique_{name}",
        resource_type="test",
        package="shop",
        test_kind="unique",
        test_column="id",
    )
    ids = tuple(each.node.unique_id for each in reads)
    return MappedTable(node, ids, {"id": origins}, (), (test,))


def hundred_models() -> LineageMap:
    """Return a seed that 60 models read, and chains of models beside it."""
    calendar, orders = table("seed", "calendar"), table("seed", "orders")
    first = [table("model", f"stg_{n}", orders) for n in range(40)]
    second = [table("model", f"fct_{n}", first[n % 40], calendar) for n in range(60)]
    return LineageMap((calendar, orders, *first, *second), "run 1")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium here")
    from browser import browser

    path = tmp_path_factory.mktemp("page") / "lineage.html"
    path.write_text(lineage_page("shop", hundred_models()))
    with browser(chromium) as opened:
        opened.open(path.as_uri(), ready=READY, settled_seconds=0.5)
        yield opened


def labels(page: Any) -> set[str]:
    return set(json.loads(page.evaluate("JSON.stringify(cy.nodes().map(n => n.data('label')))")))


def choose(page: Any, text: str) -> None:
    """Search for a text, as a person does, and take the first that is found."""
    page.evaluate(
        f"$('search').value = {json.dumps(text)}; $('search').oninput();"
        "$('search').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter'}))"
    )


def test_all_tables_are_drawn_and_none_over_another(page: Any) -> None:
    page.evaluate("choose(null)")
    assert page.evaluate("cy.nodes().length") == 102
    overlaps = (
        "cy.nodes().filter(a => cy.nodes().some(b => a.id() < b.id() && (([p, q]) => p.x1 < q.x2 &&"
        " q.x1 < p.x2 && p.y1 < q.y2 && q.y1 < p.y2)([a.boundingBox({includeLabels: false}),"
        " b.boundingBox({includeLabels: false})]))).length"
    )
    assert page.evaluate(overlaps) == 0


def test_each_edge_of_a_widely_used_seed_leaves_it_at_a_place_of_its_own(page: Any) -> None:
    ends = page.evaluate(
        "JSON.stringify(cy.getElementById('seed.shop.calendar').outgoers('edge')"
        ".map(e => parseFloat(e.data('from').split(' ')[1])).sort((a, b) => a - b))"
    )
    places = json.loads(ends)
    assert len(places) == 60
    assert min(b - a for a, b in itertools.pairwise(places)) > 3
    assert page.evaluate("cy.edges('[hue]').length") == 60 + 40


def test_a_table_that_is_searched_for_can_be_shown_with_its_lineage_alone(page: Any) -> None:
    choose(page, "fct_7")
    assert page.evaluate("cy.nodes('.near').length") == 4
    page.evaluate("$('only').click()")
    assert labels(page) == {"fct_7", "stg_7", "orders", "calendar"}
    panel = page.evaluate("$('panel').innerText")
    assert "data@example.com" in panel
    assert "<!--<script> fct_7" in panel
    assert "unique" in panel
    page.evaluate("$('clear').click()")
    assert page.evaluate("cy.nodes().length") == 102


def test_a_column_is_shown_with_the_columns_it_comes_from_and_goes_to(page: Any) -> None:
    choose(page, "stg_3.id")
    page.evaluate("$('only').click()")
    assert labels(page) == {f"{name}\n\u00b7 id" for name in ("orders", "stg_3", "fct_3", "fct_43")}
    page.evaluate("choose(null)")


def test_it_zooms_and_follows_the_dark_mode(page: Any) -> None:
    before = page.evaluate("cy.zoom()")
    page.press("Zoom in")
    assert page.evaluate("cy.zoom()") > before
    for mode, shown in (("light", "rgb(255,255,255)"), ("dark", "rgb(29,38,48)")):
        page.send(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": mode}],
        )
        page.wait_for(f"cy.nodes()[0].style('background-color') === {json.dumps(shown)}")
