"""The names that Dagster gives to parts of a product: letters, digits and underscores only."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job

PRODUCT_TAG = "floe/product"
JOB_TAG = "floe/job"
NOMINAL_TIME_TAG = "floe/nominal_time"
RANGE_START_TAG = "floe/range_start"
RANGE_END_TAG = "floe/range_end"

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_]")


def plain(text: str) -> str:
    """Return the text with an underscore for every character that a Dagster name cannot hold.

    >>> plain("customer-360"), plain("fct.orders")
    ('customer_360', 'fct_orders')
    """
    return _NOT_IN_A_NAME.sub("_", text)


def job_name(artifacts: CompiledArtifacts, job: Job) -> str:
    """Return the Dagster job's name: the product's own for the job that bears it."""
    product = plain(artifacts.product.name)
    is_main = job.name == artifacts.product.name
    return product if is_main else f"{product}__{plain(job.name)}"


def build_op_name(artifacts: CompiledArtifacts) -> str:
    """Return the name of the step that runs dbt, unlike any job's."""
    return f"{plain(artifacts.product.name)}__dbt_build"


def distinct(names: Iterable[str]) -> list[str]:
    """Return the names as Dagster can hold them, a number after each that is not the first.

    >>> distinct(["a-b", "a_b", "c"])
    ['a_b', 'a_b__2', 'c']
    """
    seen: Counter[str] = Counter()
    taken: set[str] = set()
    found = []
    for name in map(plain, names):
        candidate = name
        while candidate in taken:
            seen[name] += 1
            candidate = f"{name}__{seen[name] + 1}"
        taken.add(candidate)
        found.append(candidate)
    return found
