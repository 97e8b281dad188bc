"""The product and the files of the pages about floe in a team's own project."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from floe_core.compiler import compile_product

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```python\n# (\S+\.py)(?:, continued)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = {
    "floe.yaml": """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0, owner: data@example.com}
platform: {manifest: manifest.yaml}
jobs:
  - {name: staging, select: stg_orders}
  - {name: marts, select: order_totals}
""",
    "manifest.yaml": """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0, owner: platform@example.com}
plugins:
  orchestrator: {type: ORCHESTRATOR}
  compute: {type: duckdb, config: {path: shop.duckdb, threads: 2}}
  lineage_backend: {type: openlineage, config: {type: file, log_file_path: lineage.jsonl, append: true}}
""",
    "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\nmodels: {+materialized: table}\n",
    "models/stg_orders.sql": "select id, cents from {{ source('raw', 'orders') }}",
    "models/order_totals.sql": (
        "select is_large, sum(cents) as cents, '{{ var(\"floe_nominal_time\") }}' as built_for "
        "from {{ ref('stg_orders') }} join {{ source('ml', 'scores') }} using (id) group by all"
    ),
    "models/models.yml": """\
models: [{name: stg_orders, columns: [{name: id, data_tests: [not_null]}]}]
sources:
  - {name: raw, schema: raw, tables: [{name: orders}]}
  - {name: ml, schema: ml, tables: [{name: scores}]}
""",
}
GOOD, BAD = "id,cents\n1,250\n2,4000\n", "id,cents\n1,250\n,4000\n"
TOTALS = {"false": "250", "true": "4000"}


class EmbeddedProduct:
    """A folder with the product `shop`, the files of a page, and orders that arrive."""

    def __init__(
        self, folder: Path, orchestrator: str, more: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        (folder / "inbox").mkdir(parents=True)
        for name, text in {**FILES, **(more or {})}.items():
            path = folder / "shop" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("ORCHESTRATOR", orchestrator))
        compile_product(folder / "shop")
        for name, text in files_of(f"embedding-{orchestrator}.md").items():
            (folder / name).write_text(text)

    @property
    def warehouse(self) -> Path:
        """The product's DuckDB file."""
        return self.folder / "shop" / "shop.duckdb"

    def receive(self, name: str, orders: str) -> None:
        """Let a file of orders arrive, all at once, in place of those before it."""
        for file in (self.folder / "inbox").iterdir():
            file.unlink()
        part = self.folder / "part"
        part.write_text(orders)
        part.rename(self.folder / "inbox" / name)

    def totals(self) -> dict[str, str]:
        """Return what was pushed: whether an order is large -> cents."""
        rows = (self.folder / "totals.csv").read_text().splitlines()[1:]
        return {line.split(",")[0]: line.split(",")[1] for line in rows}

    def alerts(self) -> str:
        """Return what was alerted, "" for nothing."""
        log = self.folder / "alerts.log"
        return log.read_text() if log.exists() else ""


def files_of(page: str) -> dict[str, str]:
    """Return name -> text of the Python files in a page, their parts put together."""
    found: dict[str, str] = {}
    for name, text in BLOCK.findall((DOCS / page).read_text()):
        found[name] = found.get(name, "") + text + "\n\n"
    return found
