"""Find every problem that keeps a product from running on Dagster."""

from __future__ import annotations

from floe_core.foundation.errors import InvalidProductError
from floe_core.plugin_api.product_check import product_problems
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.definitions.jobs import job_name_problems
from floe_orchestrator_dagster.names.asset_keys import key_problems
from floe_orchestrator_dagster.names.asset_map import with_assets


def check_product(artifacts: CompiledArtifacts) -> None:
    """Raise if Dagster cannot run a product.

    Raises:
        InvalidProductError: Dagster cannot run it; lists every problem.
    """
    problems = [
        *product_problems(artifacts),
        *key_problems(with_assets(artifacts)),
        *job_name_problems(artifacts),
    ]
    if problems:
        raise InvalidProductError(problems)
