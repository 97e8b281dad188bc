"""A link in place of `.floe`, as a cloned repository may have one, leads to no one's files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from floe_core.execution.record.journal import read_events
from floe_core.execution.warehouse_lock import sole_writer
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.storage.spooling.spool import Spool
from floe_core.storage.state_folder import run_folder, state_folder


def _hold_warehouse(product: Path) -> None:
    with sole_writer({"type": "duckdb", "path": "shop.duckdb"}, product, 1.0):
        pass


USES: dict[str, Callable[[Path], object]] = {
    "the state": state_folder,
    "a run": lambda product: run_folder(product, "r"),
    "the journal of a run": lambda product: read_events(product, "r"),
    "lineage": lambda product: Spool(product).append({}),
    "the lock of a warehouse": _hold_warehouse,
}


@pytest.mark.parametrize("use", USES)
def test_it_is_not_followed(use: str, tmp_path: Path) -> None:
    theirs, product = tmp_path / "theirs", tmp_path / "product"
    (theirs / "runs" / "r").mkdir(parents=True)
    (theirs / "runs" / "r" / "events.jsonl").touch()
    before = [*theirs.rglob("*")]
    product.mkdir()
    (product / ".floe").symlink_to(theirs)
    with pytest.raises(EnvironmentProblemError) as refused:
        USES[use](product)
    assert str(refused.value) == (
        f"{product}/.floe: is a link, which floe does not follow; remove it"
    )
    assert [*theirs.rglob("*")] == before
