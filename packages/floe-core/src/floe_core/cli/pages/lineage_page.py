"""The lineage of a product as a self-contained HTML page."""

from __future__ import annotations

from floe_core.cli.lineage_data import as_data, source_of_columns
from floe_core.cli.pages.html_page import fill_page, template_of
from floe_core.lineage.lineage_map import LineageMap


def lineage_page(product: str, found: LineageMap) -> str:
    """Return the page: a graph of the tables, with the details of the selected one."""
    columns = source_of_columns(found) or "no run yet: tables, and documented columns"
    texts = {"product": product, "columns": columns}
    return fill_page(template_of("lineage_page.html"), texts, as_data(found))
