from __future__ import annotations

import subprocess
import sys

import pytest
from airflow.models.asset import AssetModel
from airflow.sdk import Asset

from floe_orchestrator_airflow import floe_asset


def test_an_asset_has_one_name_which_is_its_uri() -> None:
    asset = floe_asset("sales", "orders")
    assert (asset.name, asset.uri, asset.group) == ("floe://sales/orders",) * 2 + ("sales",)


@pytest.mark.parametrize("node", ["orders", "orders.v2", "dbt_utils/orders", "Big Orders"])
def test_it_is_the_asset_that_airflow_makes_of_the_uri(node: str) -> None:
    asset, by_uri = floe_asset("sales", node), Asset(f"floe://sales/{node}")
    assert (asset.name, asset.uri) == (by_uri.name, by_uri.uri)


def test_it_can_be_stored_by_airflow_whatever_the_name() -> None:
    asset = floe_asset("sales", "größe")
    model = AssetModel(name=asset.name, uri=asset.uri, group=asset.group)
    assert (model.name, model.uri) == ("floe://sales/gr%C3%B6%C3%9Fe",) * 2


@pytest.mark.parametrize("node", ["", "orders/", " orders", "orders?x=1", "orders#top"])
def test_what_is_no_name_of_a_node_is_refused(node: str) -> None:
    with pytest.raises(ValueError, match="node must be a name, such as 'orders'"):
        floe_asset("sales", node)


def test_it_is_imported_without_dbt_the_compiler_and_the_artifacts() -> None:
    program = (
        "import sys; from floe_orchestrator_airflow import floe_asset; "
        "print([n for n in ('dbt', 'floe_core.compiler', 'floe_core.schemas') if n in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert told.stdout == "[]\n"
