"""What changed between two compilations of a product."""

from __future__ import annotations

from typing import TYPE_CHECKING

from floe_core.foundation.lazy_names import importer

if TYPE_CHECKING:
    from floe_diff.jobs import JobDifference
    from floe_diff.nodes import NodeDifference
    from floe_diff.products import ProductDifference, difference

__all__ = ["JobDifference", "NodeDifference", "ProductDifference", "difference"]

_HOMES = {
    "JobDifference": ".jobs",
    "NodeDifference": ".nodes",
    "ProductDifference": ".products",
    "difference": ".products",
}

# `floe --help` imports the command of this package, and nothing else.
__getattr__ = importer(__name__, _HOMES)
