"""How fast the page of a platform is: 200 products and 10,000 runs on one Dagster.

    .venv/bin/python benchmarks/console.py [--products 200] [--runs 10000] [--json FILE]

The runs are in the records of a Dagster whose webserver answers the page's questions. Debian's
chromium opens the page five times; the medians are shown. `first paint` and `products` are measured
from the navigation, `products` until all rows are there; `search` is the server's part of a search
among all runs. Another round has an orchestrator that accepts connections and never answers.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from socket import create_server

sys.path[:0] = [str(Path(__file__).parents[1] / "tests" / "products")]

from big_platform import BigPlatform, big_platform  # noqa: E402
from console_browser import chromium, served  # noqa: E402
from playwright.sync_api import Browser  # noqa: E402
from wait_for import wait_for  # noqa: E402

from floe_console.data.refresh import Platform  # noqa: E402

ROUNDS = 5
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=200)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        chromium() as browser,
        big_platform(Path(name), asked.products, asked.runs) as big,
        create_server(("127.0.0.1", 0)) as silent,
    ):
        slow = hanging(big, silent.getsockname()[1])
        found = {
            "healthy": measure(big.manifest, browser, asked.runs),
            "one that hangs": measure(slow, browser, 0),
        }
    for name, times in found.items():
        print(name, ", ".join(f"{what} {seconds:.2f} s" for what, seconds in times.items()))
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))


def hanging(big: BigPlatform, port: int) -> Path:
    manifest = big.manifest.with_name("hanging.yaml")
    manifest.write_text(big.manifest.read_text().replace(big.url, f"http://127.0.0.1:{port}"))
    return manifest


def measure(manifest: Path, browser: Browser, runs: int) -> dict[str, float]:
    platform = Platform(manifest)
    begun = time.monotonic()
    with served(platform) as url:
        start = time.monotonic() - begun
        wait_for(lambda: len(platform.book.all) >= runs, 300)
        read = time.monotonic() - begun
        looks = [look(browser, url) for _ in range(ROUNDS)]
        searches = [search(url) for _ in range(ROUNDS)]
    paints, rows = zip(*looks, strict=True)
    return {
        "start": start,
        "all runs read": read,
        "first paint": statistics.median(paints),
        "products": statistics.median(rows),
        "search": statistics.median(searches),
    }


def look(browser: Browser, url: str) -> tuple[float, float]:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto(url)
    page.locator("main tbody tr").first.wait_for()
    seconds = page.evaluate(FIRST_PAINT) / 1000, page.evaluate("performance.now()") / 1000
    page.close()
    return seconds


def search(url: str) -> float:
    begun = time.monotonic()
    urllib.request.urlopen(f"{url}api/runs?text=risk+failed&limit=100").read()
    return time.monotonic() - begun


if __name__ == "__main__":
    main()
