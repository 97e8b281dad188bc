"""The SQL that the console shows of a node is a file of the run, whatever the artifacts say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from floe_console.data.run_nodes import compiled_sql
from floe_core.compiler import compile_product
from floe_core.plugin_api.run_history import RecordedRun
from floe_core.schemas import CompiledArtifacts
from floe_core.storage.state_folder import run_folder

WriteProduct = Callable[..., Path]


@pytest.fixture
def product(write_product: WriteProduct) -> CompiledArtifacts:
    folder = write_product(orders="select 1 as id")
    product = compile_product(folder)
    compiled = run_folder(folder, "r") / "attempt-1" / "compiled"
    for name in (
        "shop/models/orders.sql",
        "shop/models/schema.yml/unique_id.sql",
        "lib/orders.sql",
    ):
        (compiled / name).parent.mkdir(parents=True, exist_ok=True)
        (compiled / name).write_text(f"of {name}")
    return product


def shown(product: CompiledArtifacts, **changed: str) -> str:
    """Return what is shown of the model `orders`, with other fields."""
    node = product.by_id["model.shop.orders"].model_copy(update=changed)
    run = RecordedRun("shop", "shop", "r", "success", datetime.now(UTC), build_ids=("r",))
    return compiled_sql(product, run, node)[0]


def test_it_is_what_the_run_compiled(product: CompiledArtifacts) -> None:
    assert shown(product) == "of shop/models/orders.sql"


def test_that_of_a_generic_test_has_its_name(product: CompiledArtifacts) -> None:
    assert shown(product, path="models/schema.yml", name="unique_id") == (
        "of shop/models/schema.yml/unique_id.sql"
    )


@pytest.mark.parametrize("above", ["", "../" * 20])
def test_no_field_of_a_node_leads_out_of_the_run(
    above: str, product: CompiledArtifacts, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "theirs.sql"
    elsewhere.write_text("theirs")
    place, folder = f"{above}{elsewhere}", f"{above}{elsewhere.parent}"
    for changed in (
        {"path": place, "name": "none"},
        {"package": folder, "path": elsewhere.name, "name": "none"},
        {"path": "none", "name": place.removesuffix(".sql").lstrip("/")},
        {"package": folder, "path": "none", "name": "theirs"},
    ):
        assert shown(product, **changed) == ""


def test_a_link_to_a_file_elsewhere_is_not_read(product: CompiledArtifacts, tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("theirs")
    own = run_folder(product.folder, "r") / "attempt-1/compiled/shop/models/orders.sql"
    own.unlink()
    own.symlink_to(tmp_path / "theirs")
    assert shown(product) == ""
