"""Build self-contained HTML pages from a template, shared style and script, and data."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

_PAGES = "floe_core.cli.pages"
_PLACE = re.compile(r"@(\w+)@")


def template_of(name: str) -> Traversable:
    """Return one of the templates in this folder."""
    return files(_PAGES).joinpath(name)


def fill_page(template: Traversable, texts: Mapping[str, str], data: Any) -> str:
    """Return a page: the template with each `@name@` replaced by a text, and `@data@` by the data.

    `@graph@`, `@style@` and `@script@` are shared by all pages. `@cytoscape@` and `@dagre@` are
    the libraries that draw the graphs: see `page_libraries/libraries.json`.
    """
    folder = files(_PAGES)
    # A "<" in the data could end the script element around it, or comment out its end.
    plain = json.dumps(data, ensure_ascii=False, default=str).replace("<", "\\u003c")
    parts = {
        **{name: escape(text) for name, text in texts.items()},
        "data": plain,
        "style": folder.joinpath("page.css").read_text("utf-8").rstrip(),
        "script": folder.joinpath("page.js").read_text("utf-8"),
        "cytoscape": _library(folder, "cytoscape"),
        "dagre": _library(folder, "dagre"),
    }
    graph = folder.joinpath("page_graph.html").read_text("utf-8").rstrip()
    page = template.read_text("utf-8").replace("@graph@", graph)
    return _PLACE.sub(lambda place: parts.get(place[1], place[0]), page)


def _library(folder: Traversable, name: str) -> str:
    """Return a library's code, preceded by its licence in a comment."""
    libraries = folder.joinpath("page_libraries")
    licence = libraries.joinpath(f"{name}.LICENSE").read_text("utf-8")
    code = libraries.joinpath(f"{name}.min.js").read_text("utf-8")
    return f"/*!\n{licence.strip()}\n*/\n{code}"
