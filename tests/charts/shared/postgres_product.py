"""The hello example on PostgreSQL, compiled for Airflow."""

from __future__ import annotations

import shutil
from pathlib import Path

from helm_engine import ROOT

from floe_core.compiler import compile_product
from floe_core.schemas import CompiledArtifacts

_COMPUTE = """  compute:
    type: postgres
    config:
      host: "{{ env_var('SHOP_HOST') }}"
      port: "{{ env_var('SHOP_PORT') | int }}"
      user: "{{ env_var('SHOP_USER') }}"
      password: "{{ env_var('SHOP_PASSWORD') }}"
      dbname: DATABASE
      schema: SCHEMA
      threads: 1
"""


# Slow enough to be ended half-way.
_NAP = "{{ config(materialized='table') }}\nselect id, pg_sleep(2)::text as nap from {{ ref('greetings') }}"
_RETRIES = "execution: {retries: 2, retryDelaySeconds: 1}\n"


def compiled(name: str, folder: Path, out: Path, database: str) -> CompiledArtifacts:
    """Return the product under this name, compiled to `out`; its schema has the same name.

    It has one model more, `nap`, which takes 6 s, and tries again when it fails.
    """
    product = folder / name / "product"
    shutil.copytree(ROOT / "examples" / "hello", product, ignore=shutil.ignore_patterns(".floe"))
    manifest = (ROOT / "examples" / "manifest.yaml").read_text()
    compute = _COMPUTE.replace("DATABASE", database).replace("SCHEMA", name)
    lines = [
        compute if "compute: {type: duckdb" in line else f"{line}\n"
        for line in manifest.splitlines()
    ]
    (folder / name / "manifest.yaml").write_text("".join(lines))
    (product / "models" / "nap.sql").write_text(_NAP)
    spec = product / "floe.yaml"
    spec.write_text(spec.read_text().replace("name: hello", f"name: {name}") + _RETRIES)
    return compile_product(product, orchestrator="airflow", out=out / name)
