"""The names of a product's parts on Prefect, and the file that Prefect loads them from."""

from __future__ import annotations

import re
from collections import Counter
from keyword import iskeyword
from urllib.parse import quote

from floe_core.foundation.errors import Problem
from floe_core.plugin_api.powers import EntryPointFile
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.schemas.policies import Job
from floe_core.storage.environment_choice import name_in_environment

FILENAME = "flow.py"

_FLOW_FILE = '''\
"""What Prefect loads of the product {name}; run it to serve the product's schedules."""

from pathlib import Path

from floe_orchestrator_prefect import load_product_flows

product = load_product_flows("{name}", Path(__file__).parent)
globals().update(product.by_attribute())

if __name__ == "__main__":
    product.serve()
'''

DEPLOYMENT = "floe"
_ALLOWED = "/:@+,;=!$*()"
BUILD = "dbt_build"
# The state of a run that does nothing, since its time is no longer one of floe's ticks.
SKIPPED_RUN = "Skipped"


def flow_name(artifacts: CompiledArtifacts, job: Job) -> str:
    """Return the name of a job's flow: the product's, and after a dot the job's own.

    In an environment, it ends with `@` and the environment's name: several environments of a
    product that are on one server have nothing in common there.
    """
    product = artifacts.product.name
    name = product if job.name == product else f"{product}.{job.name}"
    return name_in_environment(name, artifacts.environment)


def attribute_name(job_name: str) -> str:
    """Return the name of a job's flow in `flow.py`.

    >>> attribute_name("customer-360")
    'customer_360'
    """
    name = re.sub(r"\W", "_", job_name, flags=re.ASCII)
    return name if name.isidentifier() and not iskeyword(name) else f"job_{name}"


def attribute_problems(artifacts: CompiledArtifacts) -> list[Problem]:
    """Return the jobs whose flows would have the same name in `flow.py`."""
    counts = Counter(attribute_name(job.name) for job in artifacts.jobs)
    return [
        Problem(
            what=f"two jobs would both be the flow {name} in flow.py",
            fix="rename one in floe.yaml so that they differ in more than punctuation",
        )
        for name, count in counts.items()
        if count > 1
    ]


def node_names(artifacts: CompiledArtifacts) -> dict[str, str]:
    """Return node id -> its name on Prefect: its own, or its id if two nodes share the name."""
    counts = Counter(_label(node) for node in artifacts.nodes)
    return {
        node.unique_id: _label(node) if counts[_label(node)] == 1 else node.unique_id
        for node in artifacts.nodes
    }


def asset_key(product: str, name: str) -> str:
    """Return the key of the Prefect asset of a node or of a source.

    >>> asset_key("sales", "orders"), asset_key("sales", "größen [alt]")
    ('floe://sales/orders', 'floe://sales/größen~20~5Balt~5D')
    """
    return asset_key_at(f"floe://{product}/{name}")


def asset_key_at(url: str) -> str:
    """Return a URL as the key of a Prefect asset, which has no `%` and no punctuation but some."""
    return "".join(quote(each, _ALLOWED) if each.isascii() else each for each in url).replace(
        "%", "~"
    )


def _label(node: Node) -> str:
    return node.label


def flow_file(product_name: str) -> EntryPointFile:
    """Return the file for a product."""
    return EntryPointFile(FILENAME, _FLOW_FILE.format(name=product_name))
