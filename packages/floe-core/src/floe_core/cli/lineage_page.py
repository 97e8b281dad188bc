"""The lineage of a product as one HTML page that needs nothing else."""

from __future__ import annotations

import json
from html import escape
from importlib.resources import files

from floe_core.cli.lineage_data import as_data
from floe_core.lineage.lineage_map import LineageMap

_TEMPLATE = "lineage_page.html"


def lineage_page(product: str, found: LineageMap) -> str:
    """Return the page: tables from left to right in the order of the graph, columns joined."""
    data = as_data(found)
    columns = (
        f"columns as compiled by run {found.run_id}"
        if found.run_id
        else "no run yet: tables, and columns as documented"
    )
    # "</" would end the script that the data are in, wherever it stands in them.
    text = json.dumps(data, ensure_ascii=False).replace("</", "<\\/")
    page = files("floe_core.cli").joinpath(_TEMPLATE).read_text("utf-8")
    filled = page.replace("@product@", escape(product)).replace("@columns@", escape(columns))
    return filled.replace("@data@", text)
