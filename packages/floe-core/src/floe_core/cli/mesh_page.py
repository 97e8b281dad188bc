"""The products of a platform as one HTML page that needs nothing else."""

from __future__ import annotations

import json
import re
from html import escape
from importlib.resources import files

from floe_core.cli.lineage_page import library
from floe_core.cli.mesh_command import as_data
from floe_core.mesh.state import Mesh

_TEMPLATE = "mesh_page.html"
_PLACE = re.compile(r"@(platform|data|cytoscape|dagre)@")


def mesh_page(found: Mesh) -> str:
    """Return the page: a house for each product, and what is known of the one that is chosen."""
    # No "<" in the data, which could end the script that they are in, or comment out its end.
    data = json.dumps(as_data(found), ensure_ascii=False, default=str).replace("<", "\\u003c")
    parts = {
        "platform": escape(found.name),
        "data": data,
        "cytoscape": library("cytoscape.min.js"),
        "dagre": library("dagre.min.js"),
    }
    page = files("floe_core.cli").joinpath(_TEMPLATE).read_text("utf-8")
    return _PLACE.sub(lambda place: parts[place[1]], page)
