"""Small products, an orchestrator that runs nothing, and the page in a browser."""

from console_fixtures import browser, look
from plain_products import plain_orchestrator, plain_site, write_product

__all__ = ["browser", "look", "plain_orchestrator", "plain_site", "write_product"]
