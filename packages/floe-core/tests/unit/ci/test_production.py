"""Warehouses that a change is not checked on are refused before anything is compiled."""

from __future__ import annotations

from pathlib import Path

import pytest

from floe_core.ci.production import Production
from floe_core.compiler.profile import Profile
from floe_core.errors import UsageError


@pytest.mark.parametrize("adapter", ["redshift", "trino"])
def test_another_warehouse_is_refused_with_those_that_would_work(
    adapter: str, tmp_path: Path
) -> None:
    production = Production(tmp_path, tmp_path / "copy")
    with pytest.raises(UsageError) as refused:
        production.of_base(Profile("shop", "dev", {"type": adapter}, ""))
    works = "changes are checked on duckdb, postgres, snowflake, spark and sqlite"
    assert str(refused.value) == f"{works}; this product is on {adapter}"
    assert not (tmp_path / "copy").exists()
