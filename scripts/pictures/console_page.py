"""The page of a platform whose three products run on three orchestrators."""

from __future__ import annotations

from pathlib import Path

from browser import WIDTH, Clip, Page
from console_browser import served
from live_platform import live_platform

from floe_console.data.access import manifests_at
from floe_console.data.refresh import Pace, Platform

BAD = (
    "select name, cast(name as integer) as amount from {{ ref('stg_customers') }}\n"
    "join {{ ref('billing', 'fct_invoices') }} using (customer_id)"
)
HEIGHT = 500
# What the page says once it has read all three, and why one failed.
READY = "document.querySelector('main td.why span.bad')?.textContent.includes('Conversion')"


def picture_of_console(page: Page, folder: Path, path: Path) -> None:
    """Run the products, let the last one fail, and take the page that shows it."""
    folder.mkdir()
    with live_platform(folder, schedule="{cron: '0 7 * * *', timezone: UTC}") as live:
        live.run_billing()
        live.run_marts()
        live.mesh.write_model("marts", "revenue", BAD)
        live.mesh.compile("marts")
        live.run_marts()
        access = manifests_at(live.manifests)
        with served(Platform(live.manifest, access, Pace(runs=1.0))) as url:
            page.open(url, ready=READY, settled_seconds=3)
            page.take(path, Clip(width=WIDTH, height=HEIGHT))
