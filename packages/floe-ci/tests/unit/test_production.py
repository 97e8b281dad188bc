"""Where production is read, by adapter."""

from __future__ import annotations

from pathlib import Path

import pytest

from floe_ci.production import Production
from floe_core.compiler.profile import Profile


@pytest.mark.parametrize("adapter", ["redshift", "trino"])
def test_another_warehouse_is_read_where_it_is(adapter: str, tmp_path: Path) -> None:
    production = Production(tmp_path, tmp_path / "copy")
    profile = Profile("shop", "dev", {"type": adapter}, "")
    assert production.of_base(profile) == profile
    assert not production.is_copied
    assert not (tmp_path / "copy").exists()
