"""Two products that feed a third, and one that a file holds up in the middle of its run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from floe_core.compiler import compile_product
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0, owner: platform@example.com}
plugins:
  orchestrator: {type: dagster}
  compute: {type: duckdb, config: {path: "PATH", schema: "{product_slug}", threads: 1}}
products: {crm: crm, sales: sales, marts: marts}
ledger: ledger
"""
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: NAME, version: 1.0.0, owner: data@example.com}
platform: {manifest: ../MANIFEST}
"""
# Red where RED says so: the model of the port passes, and the product does not.
TEST = "select 1 where '{{ env_var(\"RED\", \"\") }}' = 'yes'"
WAITING = """\
import time
from pathlib import Path

while Path("../hold").exists():
    time.sleep(0.2)
"""
FILES = {
    "manifest.yaml": MANIFEST.replace("PATH", "../mesh.duckdb"),
    # Held up in its run, the product keeps its warehouse, and the producers need theirs. It reads
    # none of their tables, so its own file of that name will do.
    "apart.yaml": MANIFEST.replace("PATH", "mesh.duckdb"),
    "crm/floe.yaml": "outputPorts: [{name: customers, model: dim_customers, version: 1}]\n",
    "crm/models/dim_customers.sql": "select 1 as id, 'Ada' as name",
    "sales/floe.yaml": "outputPorts: [{name: orders, model: orders, version: 1}]\n",
    "sales/models/orders.sql": "select 7 as order_id, 1 as customer_id",
    "sales/tests/red.sql": TEST,
    "marts/floe.yaml": "inputPorts:\n"
    "  - {product: crm, port: customers, version: 1}\n"
    "  - {product: sales, port: orders, version: 1}\n"
    "schedule: {onUpdate: all}\n",
    "marts/models/mart.sql": "select * from {{ ref('crm', 'dim_customers') }} "
    "join {{ ref('sales', 'orders') }} on customer_id = id",
    "report/floe.yaml": "inputPorts: [{product: sales, port: orders, version: 1}]\n"
    f"steps: [{{name: wait, command: [{sys.executable}, wait.py], writes: [raw.wait]}}]\n"
    "schedule: {onUpdate: any}\n"
    "execution: {retries: 1, retryDelaySeconds: 1}\n",
    "report/wait.py": WAITING,
    "report/models/raw.yml": "sources: [{name: raw, tables: [{name: wait}]}]",
    "report/models/report.sql": "select 1 as id -- after {{ source('raw', 'wait') }}",
}
PRODUCERS = ("crm", "sales")
CONSUMERS = ("marts", "report")


def write_mesh(folder: Path) -> None:
    """Write the products and what they share."""
    for product in (*PRODUCERS, *CONSUMERS):
        path = folder / product / "dbt_project.yml"
        path.parent.mkdir(parents=True)
        models = f"models: {{{product}: {{+materialized: table}}}}"
        path.write_text(f"name: {product}\nversion: 1.0.0\nprofile: {product}\n{models}\n")
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        product = path.parent.name
        manifest = "apart.yaml" if product == "report" else "manifest.yaml"
        head = FLOE.replace("NAME", product).replace("MANIFEST", manifest)
        path.write_text(head + text if path.name == "floe.yaml" else text)


class Mesh:
    """The mesh in a folder: its consumers compiled for an orchestrator that runs them."""

    def __init__(self, folder: Path, orchestrator: str) -> None:
        write_mesh(folder)
        self.folder = folder
        for product in PRODUCERS:
            compile_product(folder / product)
        self.consumers: dict[str, CompiledArtifacts] = {
            name: compile_product(folder / name, orchestrator=orchestrator) for name in CONSUMERS
        }

    def update(self, *products: str) -> None:
        """Run producers, one after the other, each on a Dagster of its own; they are green."""
        for product in products:
            assert self._run(product) == 0, product

    def fail(self, product: str) -> None:
        """Run a producer, which ends red."""
        assert self._run(product, RED="yes") == 1

    def refuse(self, product: str) -> str:
        """Run a producer that cannot write into the ledger, and return what it prints."""
        done = self._call(product)
        assert done.returncode == 1, product
        return done.stdout + done.stderr

    def record_of(self, product: str) -> Path:
        """Return the file of a product's record in the ledger."""
        return self.folder / "ledger" / f"{product}.json"

    def begin_ledger_again(self) -> None:
        """Move all records away, as the message of one that is damaged advises."""
        for product in (*PRODUCERS, *CONSUMERS):
            record = self.record_of(product)
            record.rename(record.with_suffix(f".before-{time.time_ns()}"))

    def hold(self) -> None:
        """Have `report` stay in its run until it is released."""
        (self.folder / "hold").touch()

    def release(self) -> None:
        (self.folder / "hold").unlink(missing_ok=True)

    def _run(self, product: str, **variables: str) -> int:
        return self._call(product, **variables).returncode

    def _call(self, product: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "floe_core.cli", "run", str(self.folder / product)]
        done = subprocess.run(
            command, env={**os.environ, **variables}, check=False, capture_output=True, text=True
        )
        print(done.stdout[-3000:], done.stderr[-3000:])
        return done
