"""Two products: one is built by day, and the other for each month whose days are there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from floe_core.compiler import compile_product
from floe_core.execution import BuildEnded, BuildRequest, RunParameters, build
from floe_core.ports.decision import Decision, period_in, updates_in
from floe_core.ports.watch import look
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {{name: platform, version: 1.0.0}}
plugins:
  orchestrator: {{type: {orchestrator}}}
  compute: {{type: duckdb, config: {{path: "../both.duckdb", schema: "{{product_slug}}"}}}}
products: {{sales: sales, report: report}}
ledger: ledger
"""
SPEC = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {{name: {name}, version: 1.0.0}}
platform: {{manifest: ../manifest.yaml}}
"""
DAYS = """\
partitions: {by: day, start: 2026-01-01, select: daily, vars: {first: start_date, end: end_date}}
execution: {backfillBy: range}
"""
MONTHS = """\
inputPorts: [{product: sales, port: daily}]
schedule: {onUpdate: all, every: month}
partitions: {by: month, start: 2026-01-01, select: monthly, vars: {first: start_date, end: end_date}}
"""
DAILY = (
    "{{ config(materialized='incremental', unique_key='day') }} "
    "select cast(d as date) as day, {{ var('amount', 1) }} as amount from generate_series("
    'timestamp \'{{ var("first", "2026-01-01") }}\', timestamp \'{{ var("end", "2026-01-02") }}\' '
    "- interval 1 day, interval 1 day) t(d)"
)
MONTHLY = (
    "{{ config(materialized='incremental', unique_key='month') }} "
    'select date \'{{ var("first", "") }}\' as month, sum(amount) as amount '
    "from {{ ref('sales', 'daily') }} "
    'where day >= \'{{ var("first", "") }}\' and day < \'{{ var("end", "") }}\' group by 1'
)
NOW = datetime(2026, 4, 1, tzinfo=UTC)


class Platform:
    """Both products, on one orchestrator; nothing is compiled before it is asked."""

    def __init__(self, folder: Path, orchestrator: str = "plain") -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        (folder / "manifest.yaml").write_text(MANIFEST.format(orchestrator=orchestrator))
        self.write("sales", f"{DAYS}outputPorts: [{{name: daily}}]\n", "daily", DAILY)
        self.write("report", MONTHS, "monthly", MONTHLY)

    def write(self, product: str, floe: str, model: str, sql: str) -> None:
        """Write a product of one model."""
        root = self.folder / product
        (root / "models").mkdir(parents=True, exist_ok=True)
        (root / "floe.yaml").write_text(SPEC.format(name=product) + floe)
        (root / "dbt_project.yml").write_text(
            f"name: {product}\nversion: 1.0.0\nprofile: {product}\n"
        )
        (root / "models" / f"{model}.sql").write_text(sql)

    def compile(self, product: str) -> CompiledArtifacts:
        """Compile a product."""
        return compile_product(self.folder / product)

    def build_days(self, run_id: str, days: str, amount: int = 1) -> None:
        """Build days of the producer, somewhere else."""
        parameters = RunParameters(partitions=days, vars={"amount": amount})
        self.run("sales", BuildRequest("sales", run_id, parameters=parameters))

    def look(self) -> Decision:
        """Return what the consumer does now."""
        return look(CompiledArtifacts.load(self.folder / "report"), "report", NOW)

    def start(self, decision: Decision, run_id: str) -> None:
        """Do what each orchestrator does with a decision."""
        parameters = RunParameters(partitions=period_in(decision.key))
        updates = tuple(updates_in(decision.key).items())
        request = BuildRequest("report", run_id, parameters=parameters, updates=updates)
        self.run("report", request)

    def run(self, product: str, request: BuildRequest) -> None:
        """Build, and check that it is green."""
        end = list(build(CompiledArtifacts.load(self.folder / product), request))[-1]
        assert isinstance(end, BuildEnded)
        assert end.succeeded, end.message

    def months(self) -> dict[str, int]:
        """Return month -> amount in the consumer's table, {} if there is none or a run writes."""
        try:
            with duckdb.connect(str(self.folder / "both.duckdb"), read_only=True) as connection:
                found = connection.execute("select month, amount from report.monthly").fetchall()
        except duckdb.Error:
            return {}
        return {f"{month:%Y-%m}": int(amount) for month, amount in found}
