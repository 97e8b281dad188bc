"""The faulty product with a step in its middle, which can be made to fail as the model there can.

first -> middle (a step that writes a dbt source, tested) -> last, and first -> aside.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from faulty_product import AUDIT, DUCKDB, FIRST, MANIFEST

from floe_core.compiler import compile_product
from floe_core.schemas import CompiledArtifacts

# Leaves the same rows in the warehouse as the hooks of models do. FAULT is a statement.
STEP = """\
import os
import signal
import time

import duckdb

attempt, run = int(os.environ["FLOE_ATTEMPT"]), os.environ["FLOE_RUN_ID"]


def audit(warehouse, what):
    row = ["middle", str(attempt), what, run]
    warehouse.execute("insert into audit values (?, ?, ?, ?)", row)


def main():
    print("middle begins")
    with duckdb.connect(os.environ["FLOE_WAREHOUSE_FILE"]) as warehouse:
        audit(warehouse, "began")
    open("middle-has-begun", "a").close()
    FAULT
    with duckdb.connect(os.environ["FLOE_WAREHOUSE_FILE"]) as warehouse:
        warehouse.execute("create or replace table raw_middle as from first")
        audit(warehouse, "passed")
"""
BEGUN_FILE = "middle-has-begun"
FAILS = "raise SystemExit('no answer from the shop')"
HANGS = "time.sleep(600)"
TEST = (
    "select id, '{{ var(\"floe_attempt\", 0) }}' as attempt "
    "from {{ source('raw', 'middle') }} where id < 0"
)


def at_first(fault: str) -> str:
    """Return a fault that the step has in the first attempt of a run alone."""
    return f"if attempt == 1:\n        {fault}"


@dataclass(frozen=True, slots=True)
class FaultyStep:
    """See `FaultyProduct`; `fault` is a Python statement of the step."""

    fault: str
    execution: str = ""
    step: str = ""

    def compiled(self, folder: Path, name: str, orchestrator: str, more: str) -> CompiledArtifacts:
        """Write and compile it under a name of its own; `more` goes to `execution` as well."""
        for path, text in self._files(name, more).items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return compile_product(folder, orchestrator=orchestrator)

    def _files(self, name: str, more: str) -> dict[str, str]:
        execution = ", ".join(text for text in (self.execution, more) if text)
        step = ", ".join(text for text in ("name: middle", self.step) if text)
        return {
            "manifest.yaml": MANIFEST.replace("COMPUTE", DUCKDB),
            "floe.yaml": (
                "apiVersion: floe.dev/v1\nkind: FloeSpec\n"
                f"metadata: {{name: {name}, version: 1.0.0, owner: data@example.com}}\n"
                f"platform: {{manifest: manifest.yaml}}\nexecution: {{{execution}}}\n"
                f"steps:\n  - {{{step}, python: 'fill:main', reads: [first], "
                "writes: [raw.middle]}\n"
            ),
            "dbt_project.yml": f"name: shop\nversion: 1.0.0\nprofile: shop\n{AUDIT}",
            "models/first.sql": FIRST,
            "models/aside.sql": "select id from {{ ref('first') }}",
            "models/last.sql": "select id from {{ source('raw', 'middle') }}",
            "models/sources.yml": (
                "sources:\n  - {name: raw, schema: main, "
                "tables: [{name: middle, identifier: raw_middle}]}\n"
            ),
            "tests/middle_is_good.sql": TEST,
            "fill.py": STEP.replace("FAULT", self.fault),
        }
