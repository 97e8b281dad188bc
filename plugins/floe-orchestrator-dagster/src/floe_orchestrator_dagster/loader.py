"""Load a compiled product into Dagster: what the generated `definitions.py` calls."""

from __future__ import annotations

from pathlib import Path

from dagster import Definitions

from floe_core.schedules.live_schedules import with_live_schedules
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.product_definitions import definitions_of


def load_product_definitions(product_name: str, project_dir: Path | str) -> Definitions:
    """Return the definitions of the product compiled in a folder, read from its artifacts alone.

    Schedules that were set at run time hold over those of floe.yaml.

    Raises:
        InvalidProductError: The folder is not compiled, is stale, or holds another product.
    """
    artifacts = CompiledArtifacts.load_product(product_name, project_dir)
    return definitions_of(with_live_schedules(artifacts))
