"""The lineage of a product as one HTML page that needs nothing else."""

from __future__ import annotations

import json
import re
from html import escape
from importlib.resources import files

from floe_core.cli.lineage_data import as_data
from floe_core.lineage.lineage_map import LineageMap

_TEMPLATE = "lineage_page.html"
_LIBRARIES = "page_libraries"
_PLACE = re.compile(r"@(product|columns|data|cytoscape|dagre)@")


def lineage_page(product: str, found: LineageMap) -> str:
    """Return the page: a graph of the tables, and what is known of the one that is chosen.

    The libraries that draw it are in it: see `page_libraries/libraries.json`.
    """
    columns = (
        f"columns as compiled by run {found.run_id}"
        if found.run_id
        else "no run yet: tables, and columns as documented"
    )
    # No "<" in the data, which could end the script that they are in, or comment out its end.
    data = json.dumps(as_data(found), ensure_ascii=False).replace("<", "\\u003c")
    parts = {
        "product": escape(product),
        "columns": escape(columns),
        "data": data,
        "cytoscape": library("cytoscape.min.js"),
        "dagre": library("dagre.min.js"),
    }
    page = files("floe_core.cli").joinpath(_TEMPLATE).read_text("utf-8")
    return _PLACE.sub(lambda place: parts[place[1]], page)


def library(file: str) -> str:
    """Return a library with its licence, as a comment that comes before it."""
    folder = files("floe_core.cli").joinpath(_LIBRARIES)
    licence = folder.joinpath(f"{file.partition('.')[0]}.LICENSE").read_text("utf-8")
    return f"/*!\n{licence.strip()}\n*/\n{folder.joinpath(file).read_text('utf-8')}"
