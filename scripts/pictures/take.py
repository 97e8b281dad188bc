#!/usr/bin/env python3
"""Take the pictures in docs/pictures: a product, as orchestrators and `floe parity` show it.

Runs examples/customer-360 from nothing on Dagster, Airflow and Prefect, opens what they then have
in their own pages, and takes pictures with headless Chromium; then three products, one on each
orchestrator, as the page of their platform shows them, and the partitions of examples/events.
Needs Debian's `chromium` and `pngquant`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
# The tests have Dagster's webserver for the instance of a product.
sys.path[:0] = [str(ROOT / "tests" / "products")]

from airflow_run import picture_of_run  # noqa: E402
from browser import WIDTH, Clip, Page, browser  # noqa: E402
from console_page import picture_of_console  # noqa: E402
from copied_example import copied_example  # noqa: E402
from dagster_lineage import picture_of_lineage  # noqa: E402
from partitions_page import picture_of_partitions  # noqa: E402
from prefect_run import picture_of_flow_run  # noqa: E402

from floe_core.schemas import CompiledArtifacts  # noqa: E402

PICTURES = ROOT / "docs" / "pictures"
PRODUCT = ROOT / "examples" / "customer-360"
# The other one is drawn by a benchmark.
TAKEN = ("parity", "dagster", "airflow", "prefect", "console", "partitions")
MAX_BYTES = 200_000
REPORT_WIDTH, REPORT_HEIGHT = 1240, 880


def main() -> None:
    """Write the six pictures anew."""
    chromium, pngquant = _program("chromium"), _program("pngquant")
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="floe-pictures-") as name:
        folder = Path(name)
        report = _compared(folder)
        with browser(chromium) as page:
            _picture_of_report(page, report, PICTURES / "parity.png")
            on_dagster = CompiledArtifacts.load(folder / "dagster")
            picture_of_lineage(page, on_dagster, PICTURES / "dagster.png")
            on_airflow = CompiledArtifacts.load(folder / "airflow")
            picture_of_run(page, on_airflow, PICTURES / "airflow.png")
            alone = copied_example(PRODUCT.name, folder / "alone")
            picture_of_flow_run(page, alone, PICTURES / "prefect.png")
            picture_of_console(page, folder / "platform", PICTURES / "console.png")
            picture_of_partitions(page, folder / "partitions", PICTURES / "partitions.png")
    for name in TAKEN:
        _shrink(pngquant, PICTURES / f"{name}.png")


def _compared(folder: Path) -> Path:
    """Run the product on both, keep what they have of it, and return the report."""
    report = folder / "parity.html"
    floe = Path(sys.executable).parent / "floe"
    command = [floe, "parity", PRODUCT, "--on", "dagster", "--on", "airflow"]
    subprocess.run([*command, "--keep", folder, "--html", report], check=True)
    return report


def _picture_of_report(page: Page, report: Path, path: Path) -> None:
    page.open(report.as_uri(), ready="document.querySelector('.verdict')", settled_seconds=0.5)
    page.take(path, Clip(x=(WIDTH - REPORT_WIDTH) // 2, width=REPORT_WIDTH, height=REPORT_HEIGHT))


def _shrink(pngquant: str, picture: Path) -> None:
    """Give a picture a palette.

    Raises:
        SystemExit: It is too big for a page even so.
    """
    command = [pngquant, "--force", "--strip", "--speed", "1", "--output", picture, "128", picture]
    subprocess.run(command, check=True)
    size = picture.stat().st_size
    print(f"{picture.relative_to(ROOT)}: {size:,} bytes")
    if size > MAX_BYTES:
        raise SystemExit(f"{picture.name} is over {MAX_BYTES:,} bytes")


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is missing: `apt-get install chromium pngquant`")
    return found


if __name__ == "__main__":
    main()
