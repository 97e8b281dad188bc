"""What changed between two compilations of a product."""

from floe_core.difference.jobs import JobDifference
from floe_core.difference.nodes import NodeDifference
from floe_core.difference.products import ProductDifference, difference

__all__ = ["JobDifference", "NodeDifference", "ProductDifference", "difference"]
