"""The lineage of a whole product, as `floe lineage show` draws it."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import pytest
from rich.console import Console

from floe_core.cli.lineage_views import as_data, lineage_page, lineage_tree
from floe_core.foundation.errors import StaleProductError
from floe_core.lineage.lineage_map import ColumnOrigin, LineageMap, lineage_map

from .product import artifacts, node

ORDERS = """
with raw as (select * from "shop"."main"."raw_orders")
select id, cents / 100 as amount from raw where cents > 0
"""
TREE = """\
shop columns from the SQL of run manual__2
├── clicks source
│   └── at
├── raw_orders seed
│   ├── id
│   └── cents
├── orders model <- raw_orders, clicks
│   ├── id     <- raw_orders.id
│   ├── amount <- raw_orders.cents (transformation)
│   └── rows <- raw_orders.cents (filter)
├── broken model <- orders
├── hung model <- orders
└── after.v2 model <- broken
"""


def compile_as(project_dir: Path, run: str, attempt: int, sql: str, at: int) -> None:
    """Leave what a run's attempt compiled the model `orders` to."""
    folder = project_dir / ".floe" / "runs" / run / f"attempt-{attempt}" / "compiled"
    path = folder / "shop" / "models" / "orders.sql"
    path.parent.mkdir(parents=True)
    path.write_text(sql)
    os.utime(folder, (at, at))


def mapped(project_dir: Path, **more: str) -> LineageMap:
    (project_dir / "seeds").mkdir(exist_ok=True)
    (project_dir / "seeds" / "raw_orders.csv").write_text("id,cents\n")
    paths = {"orders": "models/orders.sql", "raw_orders": "seeds/raw_orders.csv", **more}
    product = artifacts(project_dir)
    nodes = [each.model_copy(update={"path": paths.get(each.name, "")}) for each in product.nodes]
    return lineage_map(product.model_copy(update={"nodes": tuple(nodes)}).bound_to(project_dir))


def tree(found: LineageMap) -> str:
    console = Console(width=100, highlight=False, no_color=True)
    with console.capture() as captured:
        console.print(lineage_tree("shop", found))
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def test_columns_come_from_what_the_last_run_compiled(project_dir: Path) -> None:
    compile_as(project_dir, "manual__1", 1, "select 1 as old", at=1000)
    compile_as(project_dir, "manual__2", 1, "select 2 as first_try", at=2000)
    compile_as(project_dir, "manual__2", 2, ORDERS, at=3000)
    assert tree(mapped(project_dir)) == TREE


def test_a_run_of_a_part_does_not_hide_what_others_compiled(project_dir: Path) -> None:
    compile_as(project_dir, "whole", 1, ORDERS, at=1000)
    part = project_dir / ".floe" / "runs" / "part" / "attempt-1" / "compiled"
    (part / "shop" / "models").mkdir(parents=True)
    (part / "shop" / "models" / "hung.sql").write_text("select 1 as id")
    os.utime(part, (2000, 2000))
    found = mapped(project_dir, hung="models/hung.sql")
    columns = {each.node.name: list(each.columns) for each in found.tables}
    assert (columns["orders"], columns["hung"]) == (["id", "amount"], ["id"])
    assert found.run_ids == ("part", "whole")
    assert tree(found).splitlines()[0] == "shop columns from the SQL of run part and of 1 more"


def test_before_any_run_it_is_of_tables_and_documented_columns(project_dir: Path) -> None:
    found = mapped(project_dir)
    (orders,) = [each for each in found.tables if each.node.name == "orders"]
    assert found.run_ids == ()
    assert orders.reads == ("seed.shop.raw_orders", "source.shop.clicks")
    assert (orders.columns, orders.rows) == ({"id": (), "amount": ()}, ())


def test_an_origin_names_its_steps(project_dir: Path) -> None:
    compile_as(project_dir, "run", 1, ORDERS, at=1000)
    (orders,) = [each for each in mapped(project_dir).tables if each.node.name == "orders"]
    seed = "seed.shop.raw_orders"
    assert orders.columns["amount"] == (ColumnOrigin(seed, "cents", ("transformation",)),)


def test_sql_that_a_plan_compiled_is_not_that_of_a_run(tmp_path: Path) -> None:
    compile_as(tmp_path, "plan", 1, ORDERS, at=1)
    said = "columns from the SQL that `floe plan` compiled"
    assert lineage_tree("shop", mapped(tmp_path)).label == f"[bold]shop[/] [dim]{said}[/]"
    assert said in lineage_page("shop", mapped(tmp_path))


def test_the_page_holds_the_same_and_no_more(project_dir: Path) -> None:
    compile_as(project_dir, "</script><b>", 1, ORDERS, at=1000)
    found = mapped(project_dir)
    page = lineage_page("shop & <co>", found)
    data = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    assert json.loads(data[1]) == json.loads(json.dumps(as_data(found)))
    assert "shop &amp; &lt;co&gt;" in page
    assert "</script><b>" not in page
    libraries = list(re.findall(r"<script>.*?</script>", page, re.DOTALL))
    for text in libraries[:2]:
        page = page.replace(text, "")
    assert re.findall(r"(?:src|href)=|https?://|@(?:data|dagre|cytoscape)@", page) == []


def test_no_text_of_the_project_can_end_the_data_of_the_page(project_dir: Path) -> None:
    found = mapped(project_dir)
    evil = "<!--<script>@dagre@</script>"
    tables = [
        replace(each, node=each.node.model_copy(update={"description": evil}))
        for each in found.tables
    ]
    page = lineage_page("shop", replace(found, tables=tuple(tables)))
    data = page[page.index('id="data">') :].partition(">")[2].partition("</script>")[0]
    assert "<" not in data
    assert {each["about"] for each in json.loads(data)} == {evil}


def test_the_page_has_owners_tests_and_what_is_said_of_columns(project_dir: Path) -> None:
    (orders,) = [each for each in as_data(mapped(project_dir)) if each["label"] == "orders"]
    assert (orders["owners"], orders["tags"]) == (["orders-team"], ["daily"])
    assert orders["tests"] == [
        {"name": "id_is_there", "kind": "not_null", "column": "id"},
        {"name": "few_refunds", "kind": "singular", "column": ""},
        {"name": "adds_up", "kind": "singular", "column": ""},
    ]
    columns = [{key: each[key] for key in ("name", "type", "about")} for each in orders["columns"]]
    assert columns[0] == {"name": "id", "type": "integer", "about": "The order's number."}


def test_the_libraries_in_the_page_are_those_of_their_packages() -> None:
    folder = files("floe_core.cli.pages").joinpath("page_libraries")
    page = lineage_page("shop", LineageMap(()))
    listed = json.loads(folder.joinpath("libraries.json").read_text("utf-8"))
    assert [(each["package"], each["license"]) for each in listed] == [
        ("cytoscape", "MIT"),
        ("@dagrejs/dagre", "MIT"),
    ]
    for each in listed:
        content = folder.joinpath(each["file"]).read_bytes()
        assert sha256(content).hexdigest() == each["sha256"]
        assert folder.joinpath(each["license_file"]).read_text("utf-8").strip() in page
        assert content.decode() in page


def test_tables_stand_as_deep_as_their_longest_way(project_dir: Path) -> None:
    depths = {each["label"]: each["depth"] for each in as_data(mapped(project_dir))}
    assert depths == {
        "clicks": 0,
        "raw_orders": 0,
        "orders": 1,
        "broken": 2,
        "after.v2": 3,
        "hung": 2,
    }


def test_a_chain_of_thousands_has_each_table_after_what_it_reads(project_dir: Path) -> None:
    names = [f"m{number}" for number in range(3000)]
    chain = [
        node("model", name, depends_on=(f"model.shop.{above}",))
        for name, above in zip(names, [*names[1:], "outside"], strict=True)
    ]
    product = artifacts(project_dir).model_copy(update={"nodes": tuple(chain)})
    found = lineage_map(product.bound_to(project_dir))
    assert [table.node.name for table in found.tables] == names[::-1]


def test_nodes_in_a_circle_are_refused(project_dir: Path) -> None:
    circle = (
        node("model", "a", depends_on=("model.shop.b",)),
        node("model", "b", depends_on=("model.shop.a",)),
    )
    product = artifacts(project_dir).model_copy(update={"nodes": circle})
    with pytest.raises(StaleProductError, match="nodes form a cycle"):
        lineage_map(product.bound_to(project_dir))


def columns_of(project_dir: Path, name: str, **changed: str) -> list[str]:
    """Return the columns of a node of the product with other fields."""
    product = artifacts(project_dir)
    found = [n.model_copy(update=changed) if n.name == name else n for n in product.nodes]
    product = product.model_copy(update={"nodes": tuple(found)}).bound_to(project_dir)
    return next(list(t.columns) for t in lineage_map(product).tables if t.node.name == name)


@pytest.mark.parametrize("above", ["", "../" * 20])
def test_a_path_that_leads_out_of_the_compiled_code_is_not_read(
    above: str, project_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "theirs.sql"
    elsewhere.write_text("select 1 as theirs")
    compile_as(project_dir, "run", 1, ORDERS, at=1000)
    path = f"{above}{elsewhere}"
    assert columns_of(project_dir, "orders", path=path) == ["id", "amount"]
    shorter = {"package": str(elsewhere.parent), "path": elsewhere.name}
    assert columns_of(project_dir, "hung", **shorter) == []


def test_sql_of_a_model_outside_of_the_project_is_read(project_dir: Path) -> None:
    compile_as(project_dir, "run", 1, ORDERS, at=1000)
    shared = project_dir / ".floe/runs/run/attempt-1/compiled/shared/hung.sql"
    shared.parent.mkdir()
    shared.write_text("select 1 as here")
    assert columns_of(project_dir, "hung", path="../shared/hung.sql") == ["here"]


@pytest.mark.parametrize("above", ["", "../" * 20])
def test_a_seed_that_is_outside_of_the_product_is_not_read(
    above: str, project_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "theirs.csv"
    elsewhere.write_text("theirs\n1\n")
    for places in (
        {"path": f"{above}{elsewhere}"},
        {"package": f"{above}{elsewhere.parent}", "path": elsewhere.name},
    ):
        assert columns_of(project_dir, "raw_orders", **places) == []
