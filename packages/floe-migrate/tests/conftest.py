"""Small products, written into a folder, and an orchestrator that runs nothing."""

from plain_products import plain_orchestrator, plain_site, write_product

__all__ = ["plain_orchestrator", "plain_site", "write_product"]
