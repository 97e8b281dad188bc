"""The products of a platform as a self-contained HTML page."""

from __future__ import annotations

from importlib.resources import files

from floe_console.mesh import Mesh
from floe_console.mesh_data import as_data
from floe_core.cli.pages.html_page import fill_page


def mesh_page(found: Mesh) -> str:
    """Return the page: a house symbol for each product, with the details of the selected one."""
    return fill_page(
        files("floe_console") / "mesh_page.html", {"platform": found.name}, as_data(found)
    )
