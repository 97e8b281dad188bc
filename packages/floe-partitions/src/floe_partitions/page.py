"""The states of partitions as a self-contained HTML page."""

from __future__ import annotations

from importlib.resources import files

from floe_core.cli.pages.html_page import fill_page
from floe_partitions.data import page_data
from floe_partitions.overview import Overview


def partitions_page(found: Overview) -> str:
    """Return the page: a row of cells for each node, and the last build of the chosen cell."""
    template = files("floe_partitions") / "page.html"
    return fill_page(template, {"product": found.product}, page_data(found))
