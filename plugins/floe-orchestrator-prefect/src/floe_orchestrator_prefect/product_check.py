"""Find every problem that keeps a product from running on Prefect."""

from __future__ import annotations

from floe_core.foundation.errors import InvalidProductError
from floe_core.plugin_api.product_check import product_problems
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.names.prefect_names import attribute_problems


def check_product(artifacts: CompiledArtifacts) -> None:
    """Raise if Prefect cannot run a product.

    Raises:
        InvalidProductError: Prefect cannot run it; lists every problem.
    """
    problems = [*product_problems(artifacts), *attribute_problems(artifacts)]
    if problems:
        raise InvalidProductError(problems)
