"""The folders of old runs may go: reuse has a state of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from beside_plain_dbt import OTHER, Shop

from floe_core.storage.state_folder import runs_place


def test_what_was_built_is_reused_and_what_changed_is_built(
    write_product: Callable[..., Path],
) -> None:
    shop = Shop(write_product)
    assert shop.run() == {"orders", "totals", "report"}
    shutil.rmtree(runs_place(shop.ours))
    assert shop.run() == set()
    shutil.rmtree(runs_place(shop.ours))
    shop.model("orders", OTHER)
    assert shop.run() == {"orders", "totals", "report"}
