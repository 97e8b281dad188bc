"""Load a compiled product into Prefect: what the generated `flow.py` calls."""

from __future__ import annotations

from pathlib import Path

from floe_core.schedules.live_schedules import with_live_schedules
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.product_flows import ProductFlows, product_flows


def load_product_flows(product_name: str, project_dir: Path | str) -> ProductFlows:
    """Return the flows of the product compiled in a folder, read from its artifacts alone.

    Schedules that were set at run time hold over those of floe.yaml.

    Raises:
        InvalidProductError: The folder is not compiled, is stale, or holds another product.
    """
    artifacts = CompiledArtifacts.load_product(product_name, project_dir)
    return product_flows(with_live_schedules(artifacts))
