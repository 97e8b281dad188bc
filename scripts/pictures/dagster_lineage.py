"""The asset graph of a product in Dagster's pages."""

from __future__ import annotations

import json
import time
from pathlib import Path
from urllib.parse import quote

from browser import Page
from dagster_pages import webserver

from floe_core.schemas import CompiledArtifacts

# What Dagster's pages keep in the browser: a narrow menu, and what the box of an asset shows.
SETTINGS = {
    "dagster-nav-collapsed": True,
    "large-screen-nav-open": False,
    "asset-node-facets": ["description", "checks", "status", "kind-tag"],
}
GROUPS = "global@global:customer_360,global@global:retail"
LIST_OF_GROUPS_SWITCH = (340, 80)
EMPTY_SPOT = (250, 250)
FREE_SPACE = (175, 40)


def picture_of_lineage(page: Page, artifacts: CompiledArtifacts, path: Path) -> None:
    """Write the picture of all assets, their groups open, as the product's last run left them."""
    with webserver(artifacts) as url:
        page.open(url, ready="document.body.innerText.includes('Lineage')", settled_seconds=0.5)
        for name, value in SETTINGS.items():
            page.evaluate(
                f"localStorage.setItem({json.dumps(name)}, {json.dumps(json.dumps(value))})"
            )
        page.open(
            f"{url}/asset-groups?expanded={quote(GROUPS)}",
            ready="document.body.innerText.includes('customers_history')"
            " && document.body.innerText.includes('3 / 3 Passed')",
        )
        page.click(*LIST_OF_GROUPS_SWITCH)
        time.sleep(1)
        page.drag(EMPTY_SPOT, FREE_SPACE)
        time.sleep(1)
        page.take(path)
