"""The lineage of a product as a self-contained HTML page."""

from __future__ import annotations

from floe_core.cli.lineage_data import as_data
from floe_core.cli.pages.html_page import fill_page
from floe_core.lineage.lineage_map import LineageMap


def lineage_page(product: str, found: LineageMap) -> str:
    """Return the page: a graph of the tables, with the details of the selected one."""
    columns = (
        f"columns as compiled by run {found.run_id}"
        if found.run_id
        else "no run yet: tables, and columns as documented"
    )
    texts = {"product": product, "columns": columns}
    return fill_page("lineage_page.html", texts, as_data(found))
