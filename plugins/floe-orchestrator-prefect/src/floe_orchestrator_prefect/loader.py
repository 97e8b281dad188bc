"""Load a compiled product into Prefect: what the generated `flow.py` calls."""

from __future__ import annotations

from pathlib import Path

from floe_core.errors import Problem, StaleProductError
from floe_core.schedules.live_schedules import with_live_schedules
from floe_core.schemas.compiled_artifacts import ARTIFACTS_FILE, CompiledArtifacts
from floe_orchestrator_prefect.product_flows import ProductFlows, product_flows


def load_product_flows(product_name: str, project_dir: Path | str) -> ProductFlows:
    """Return the flows of the product compiled in a folder, read from its artifacts alone.

    Schedules that were set at run time hold over those of floe.yaml.

    Raises:
        InvalidProductError: The folder is not compiled, is stale, or holds another product.
    """
    artifacts = CompiledArtifacts.load(project_dir)
    found = artifacts.product.name
    if found != product_name:
        raise StaleProductError(
            [
                Problem(
                    what=f"it is of product '{found}', not '{product_name}'",
                    fix=f"load '{found}', or run `floe compile` in the folder of '{product_name}'",
                    file=str(Path(project_dir) / ARTIFACTS_FILE),
                )
            ]
        )
    return product_flows(with_live_schedules(artifacts))
