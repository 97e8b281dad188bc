"""The names of a product's parts on Dagster, and the file that Dagster loads them from.

Dagster's own names have letters, digits and underscores only.
"""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job

if TYPE_CHECKING:
    from floe_core.plugin_api.powers import EntryPointFile

FILENAME = "definitions.py"

_DEFINITIONS_FILE = '''\
"""What Dagster loads of the product {name}."""

from pathlib import Path

from floe_orchestrator_dagster import load_product_definitions

defs = load_product_definitions("{name}", Path(__file__).parent)
'''

PRODUCT_TAG = "floe/product"
JOB_TAG = "floe/job"
# The environment of the manifest, on the jobs and runs of one.
ENVIRONMENT_TAG = "floe/environment"
NOMINAL_TIME_TAG = "floe/nominal_time"
# On a run that was taken out of the queue: the tick whose run replaced it.
REPLACED_TAG = "floe/replaced_by"
# On a run for a tick that is next to build: its own id, and "builds" once it does. A run that is
# executed again has a copy of the tag, with the id of the first one.
TURN_TAG = "floe/turn"
# On a run that gave its place in Dagster's queue to the retry of an earlier tick's: how often.
GAVE_WAY_TAG = "floe/gave_way"
# On such a run, and its retry: whether Dagster retries it if a step fails.
RETRY_ON_FAILURE_TAG = "floe/retry_on_asset_or_op_failure"
# On a run for a tick of a job with an owner: the epoch of the owner. The run claims its tick.
EPOCH_TAG = "floe/epoch"
# On such a run that built nothing: why the tick is another's.
NOT_OURS_TAG = "floe/not_ours"
UPDATES_TAG = "floe/updates"
RANGE_START_TAG = "floe/range_start"
RANGE_END_TAG = "floe/range_end"

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_]")
# Dagster refuses these, and Python's keywords, as the name of a job, an op or an output.
_RESERVED = re.compile(
    "context|conf|config|meta|arg_dict|dict|input_arg_dict|output_arg_dict|int|str|float|bool|"
    "input|output|type"
)


def plain(text: str) -> str:
    """Return the text with an underscore for every character not allowed in a Dagster name.

    >>> plain("customer-360"), plain("fct.orders")
    ('customer_360', 'fct_orders')
    """
    return _NOT_IN_A_NAME.sub("_", text)


def free(name: str) -> str:
    """Return the name, with an underscore appended if Dagster reserves it.

    >>> free("config"), free("class"), free("orders")
    ('config_', 'class_', 'orders')
    """
    is_reserved = keyword.iskeyword(name) or _RESERVED.fullmatch(name)
    return f"{name}_" if is_reserved else name


def job_name(artifacts: CompiledArtifacts, job: Job) -> str:
    """Return the Dagster job's name: just the product's name for the job of that name."""
    product = plain(artifacts.product.name)
    is_main = job.name == artifacts.product.name
    return free(product) if is_main else f"{product}__{plain(job.name)}"


def job_of_run(artifacts: CompiledArtifacts, tag: str) -> str:
    """Return the product's job that a run's tag names; its first job for assets picked by hand."""
    names = [job.name for job in artifacts.jobs]
    return tag if tag in names else names[0]


def update_sensor_name(artifacts: CompiledArtifacts, job: Job) -> str:
    """Return the name of the sensor that starts a job when ports are updated."""
    return f"{job_name(artifacts, job)}_updates"


def build_op_name(artifacts: CompiledArtifacts) -> str:
    """Return the name of the step that runs dbt, which differs from every job's name."""
    return f"{plain(artifacts.product.name)}__dbt_build"


def distinct(names: Iterable[str]) -> list[str]:
    """Return the names as valid Dagster names, with a number appended to each duplicate.

    >>> distinct(["a-b", "a_b", "c", "type", ""])
    ['a_b', 'a_b__2', 'c', 'type_', '_']
    """
    seen: Counter[str] = Counter()
    taken: set[str] = set()
    found = []
    for name in (free(plain(name) or "_") for name in names):
        candidate = name
        while candidate in taken:
            seen[name] += 1
            candidate = f"{name}__{seen[name] + 1}"
        taken.add(candidate)
        found.append(candidate)
    return found


def definitions_file(product_name: str) -> EntryPointFile:
    """Return the file for a product."""
    from floe_core.plugin_api.powers import EntryPointFile

    return EntryPointFile(FILENAME, _DEFINITIONS_FILE.format(name=product_name))
