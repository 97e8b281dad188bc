"""What changed between two compilations of a product."""

from floe_diff.jobs import JobDifference
from floe_diff.nodes import NodeDifference
from floe_diff.products import ProductDifference, difference

__all__ = ["JobDifference", "NodeDifference", "ProductDifference", "difference"]
