"""What several files of end-to-end tests need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from console_fixtures import browser, look

if TYPE_CHECKING:
    from other_warehouses import Warehouse

__all__ = ["browser", "look", "warehouse"]


@pytest.fixture(scope="module")
def warehouse(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Return the warehouse of a module's `kind`, running; skip where its parts can't be had."""
    from other_warehouses import opened

    with opened(kind, tmp_path_factory.mktemp(kind)) as found:
        yield found
