"""The page of a product's partitions, some of which failed, are stale or are missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from browser import WIDTH, Clip, Page
from copied_example import copied_example

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, RunParameters, build

HEIGHT = 190
BAD_DAYS = ("2026-01-15", "2026-01-26")
FAILS = f"{{% if (var('min_date') or '')[:10] in {BAD_DAYS} %}}select no_such{{% endif %}}\n"


def picture_of_partitions(page: Page, folder: Path, path: Path) -> None:
    """Build a month of examples/events with two bad days and some late data, and take its page."""
    product, report = _built(folder), folder / "partitions.html"
    floe = Path(sys.executable).parent / "floe"
    command = [floe, "partitions", product, "--to", "2026-01-31", "--html", report]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    page.open(report.as_uri(), ready="document.querySelector('canvas, svg')", settled_seconds=0.5)
    page.take(path, Clip(width=WIDTH, height=HEIGHT))


def _built(folder: Path) -> Path:
    product = copied_example("events", folder)
    model = product / "models" / "sales_by_day.sql"
    sql = model.read_text()
    model.write_text(FAILS + sql)
    _build(product, "2026-01-01...2026-01-29")
    # Late data: some days of `sales` are built again.
    _build(product, "2026-01-05...2026-01-07", "model.events.sales")
    return product


def _build(product: Path, partitions: str, *node_ids: str) -> None:
    artifacts = compile_product(product)
    parameters = RunParameters(partitions=partitions)
    request = BuildRequest("events", partitions, node_ids or None, parameters=parameters)
    for _ in build(artifacts, request):
        pass
