"""Find every problem that keeps a compiled product from running on Airflow."""

from __future__ import annotations

from collections.abc import Iterator

from floe_core.foundation.errors import InvalidProductError, Problem
from floe_core.plugin_api.product_check import product_problems
from floe_core.schemas.compiled_artifacts import ARTIFACTS_FILE, CompiledArtifacts

MAX_DAG_ID = 250


def check_product(artifacts: CompiledArtifacts) -> None:
    """Raise if Airflow cannot run a product.

    Raises:
        InvalidProductError: Airflow cannot run it; lists every problem.
    """
    problems = [*product_problems(artifacts), *_problems_of_airflow(artifacts)]
    if problems:
        raise InvalidProductError(problems)


def _problems_of_airflow(artifacts: CompiledArtifacts) -> Iterator[Problem]:
    for job in artifacts.jobs:
        if len(artifacts.product.name) + len(job.name) + 1 > MAX_DAG_ID:
            what = f"job '{job.name}' makes a DAG id of over {MAX_DAG_ID} characters"
            yield Problem(what, "shorten its name", ARTIFACTS_FILE)
