"""The DAG id of a product's job."""

from __future__ import annotations

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job


def dag_id(artifacts: CompiledArtifacts, job: Job) -> str:
    """Return the product's name for the job of the same name, `<product>.<job>` for others."""
    product = artifacts.product.name
    return product if job.name == product else f"{product}.{job.name}"
