"""Three small products that feed each other: two producers, and a consumer of both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from floe_core.compiler import compile_product
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

PRODUCTS = ("crm", "billing", "marts")
MODELS = {
    "crm": {
        "dim_customers": "select 1 as customer_id, 'ada' as name, 'nowhere' as address",
    },
    "billing": {
        "fct_invoices": "select 1 as invoice_id, 1 as customer_id, 10.5 as amount",
    },
    "marts": {
        "stg_customers": "select * from {{ ref('crm', 'dim_customers') }}",
        "revenue": (
            "select name, sum(amount) as amount from {{ ref('stg_customers') }}\n"
            "join {{ ref('billing', 'fct_invoices') }} using (customer_id) group by name"
        ),
    },
}
PORTS = {
    "crm": "outputPorts:\n  - {name: customers, model: dim_customers, version: 1}\n",
    "billing": "outputPorts:\n  - {name: invoices, model: fct_invoices}\n",
    "marts": (
        "inputPorts:\n  - {product: crm, port: customers, version: 1}\n"
        "  - {product: billing, port: invoices}\n"
    ),
}
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {{name: platform, version: 1.0.0}}
plugins:
  orchestrator: {{type: {orchestrator}, config: {config}}}
  compute: {compute}
products: {{crm: crm, billing: billing, marts: marts}}
ledger: {ledger}
"""
DUCKDB = '{type: duckdb, config: {path: "../mesh.duckdb", schema: "{product_slug}"}}'


class Mesh:
    """The folder of the mesh. Files are there at once; nothing is compiled before it is asked."""

    def __init__(
        self,
        folder: Path,
        orchestrators: Mapping[str, str] | str = "plain",
        schedule: str = "{onUpdate: all}",
        config: str = "{}",
        compute: str = DUCKDB,
        ledger: str = "ledger",
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.folder = folder
        for product in PRODUCTS:
            named = orchestrators if isinstance(orchestrators, str) else orchestrators[product]
            settings = {"config": config, "compute": compute, "ledger": ledger}
            text = MANIFEST.format(orchestrator=named, **settings)
            root = folder / product
            (root / "models").mkdir(parents=True)
            # All that differs between their manifests is the orchestrator.
            (folder / f"manifest-{product}.yaml").write_text(text)
            ports = PORTS[product] + (f"schedule: {schedule}\n" if product == "marts" else "")
            (root / "floe.yaml").write_text(
                "apiVersion: floe.dev/v1\nkind: FloeSpec\n"
                f"metadata: {{name: {product}, version: 1.0.0}}\n"
                f"platform: {{manifest: ../manifest-{product}.yaml}}\n{ports}"
                f"{more.get(product, '')}"
            )
            (root / "dbt_project.yml").write_text(
                f"name: {product}\nversion: 1.0.0\nprofile: {product}\n"
                f"models: {{{product}: {{+materialized: table}}}}\n"
            )
            for name, sql in MODELS[product].items():
                self.write_model(product, name, sql)

    def write_model(self, product: str, name: str, sql: str) -> None:
        """Write a model of a product."""
        (self.folder / product / "models" / f"{name}.sql").write_text(sql)

    def compile(self, *products: str) -> dict[str, CompiledArtifacts]:
        """Compile these products, all of them by default, producers first."""
        chosen = products or PRODUCTS
        return {name: compile_product(self.folder / name) for name in chosen}

    def artifacts(self, product: str) -> CompiledArtifacts:
        """Return a compiled product."""
        return CompiledArtifacts.load(self.folder / product)
