"""Find what keeps a product from running on Prefect, all of it at once."""

from __future__ import annotations

from floe_core.errors import InvalidProductError
from floe_core.product_check import product_problems
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.flow.prefect_names import attribute_problems


def check_product(artifacts: CompiledArtifacts) -> None:
    """Do nothing for a product that Prefect can run.

    Raises:
        InvalidProductError: It cannot, with every problem.
    """
    problems = [*product_problems(artifacts), *attribute_problems(artifacts)]
    if problems:
        raise InvalidProductError(problems)
