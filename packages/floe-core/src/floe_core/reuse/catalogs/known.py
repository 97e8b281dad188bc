"""The warehouses that reuse works on, by dbt's names of their adapters; and all others."""

from __future__ import annotations

from collections.abc import Mapping

from floe_core.foundation.entry_points import InstalledParts
from floe_core.reuse.catalogs.catalog import Catalog
from floe_core.reuse.catalogs.copies_catalog import CopiesCatalog

CATALOGS: Mapping[str, Catalog] = InstalledParts("floe.catalogs", Catalog)  # type: ignore[type-abstract]


def catalog_of(adapter: str) -> Catalog:
    """Return the catalog of an adapter; where reuse does not work, one to compare changes with."""
    return CATALOGS.get(adapter) or CopiesCatalog()
