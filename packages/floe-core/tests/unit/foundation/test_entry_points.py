"""A distribution adds a warehouse with an entry point; one that does not load is named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from floe_core.foundation.entry_points import InstalledParts
from floe_core.foundation.errors import PluginError
from floe_core.warehouse.dialect import Dialect

MODULE = """
from floe_core.warehouse.postgres_dialect import Postgres
class Lake(Postgres):
    longest_name = 7
class Other:
    pass
"""


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InstalledParts[Dialect]:
    (tmp_path / "lake_of_a_test.py").write_text(MODULE)
    info = tmp_path / "lake-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lake\nVersion: 1.2\n")
    names = {"lake": "lake_of_a_test:Lake", "other": "lake_of_a_test:Other", "gone": "no_such:Lake"}
    lines = "".join(f"{name} = {target}\n" for name, target in names.items())
    (info / "entry_points.txt").write_text(f"[floe.warehouses]\n{lines}")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "lake_of_a_test", raising=False)
    return InstalledParts("floe.warehouses", Dialect)


def test_a_warehouse_of_another_distribution_is_found(parts: InstalledParts[Dialect]) -> None:
    assert {"duckdb", "postgres", "sqlite", "lake"} <= {*parts}
    assert parts["lake"].longest_name == 7
    assert parts["lake"] is parts["lake"]


def test_what_does_not_load_is_named_with_its_distribution(parts: InstalledParts[Dialect]) -> None:
    with pytest.raises(PluginError, match=r"'gone' \(lake 1.2, no_such:Lake\) does not load"):
        parts["gone"]
    with pytest.raises(PluginError, match=r"'other' .* is not a Dialect but Other"):
        parts["other"]


def test_an_unknown_name_is_none(parts: InstalledParts[Dialect]) -> None:
    assert parts.get("bigquery") is None
