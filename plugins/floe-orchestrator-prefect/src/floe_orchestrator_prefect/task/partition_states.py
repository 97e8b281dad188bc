"""Show the partitions of a flow run: as its tags, and as a table of all states."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
from prefect.artifacts import create_table_artifact
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.partitions.calendar import due_partitions, partition_of_key
from floe_core.partitions.chosen import name_partitions
from floe_core.partitions.statuses import STATUSES, PartitionStatus, statuses_of
from floe_core.partitions.store import store_of
from floe_core.ports.watch import stale_by_node
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.partitions import Partitions
from floe_core.storage.environment_choice import name_in_environment
from floe_orchestrator_prefect.names.prefect_names import node_names

MOST_TAGS = 31
_MOST_NAMED = 5


def show_partitions(artifacts: CompiledArtifacts, keys: Iterable[str]) -> str:
    """Tag the current flow run with its partitions, and add a table of all states.

    Returns what went wrong, "" if nothing did: a table is no reason to fail a run.
    """
    declaration = artifacts.partitions
    built = sorted(set(keys))
    if declaration is None or not built:
        return ""
    try:
        with get_client(sync_client=True) as client:
            # Not those of `prefect.runtime`, which are from before an earlier try of the task.
            before = client.read_flow_run(UUID(str(flow_run.id))).tags
            tags = [*before, *partition_tags(declaration, built)]
            client.update_flow_run(flow_run.id, tags=list(dict.fromkeys(tags)))
        create_table_artifact(
            key=artifact_key(artifacts.product.name, artifacts.environment),
            table=state_table(artifacts, declaration, datetime.now(UTC)),
            description=f"Partitions of {artifacts.product.name} by {declaration.by}",
        )
    except (PrefectException, httpx.HTTPError, EnvironmentProblemError) as error:
        return f"the partitions of this run are not shown: {error}"
    return ""


def partition_tags(declaration: Partitions, keys: list[str]) -> list[str]:
    """Return a tag for each partition or, if they are many, one that names their ranges."""
    if len(keys) <= MOST_TAGS:
        return [f"partition:{key}" for key in keys]
    found = sorted((partition_of_key(declaration, key) for key in keys), key=lambda p: p.start)
    return [f"partition:{name_partitions(found)}"]


def artifact_key(product: str, environment: str) -> str:
    """Return the key of the table, which has lower-case letters, digits and hyphens only.

    >>> artifact_key("shop", ""), artifact_key("shop", "prod")
    ('shop-partitions', 'shop--prod-partitions')
    """
    name = name_in_environment(product, environment).replace("@", "--")
    return f"{re.sub('[^a-z0-9-]', '-', name)}-partitions"


def state_table(
    artifacts: CompiledArtifacts, declaration: Partitions, now: datetime
) -> list[dict[str, Any]]:
    """Return a row for each node: how many of its partitions stand how, and the first ones.

    Raises:
        EnvironmentProblemError: The states cannot be read.
    """
    keys = [each.key for each in due_partitions(declaration, now)]
    ids = [i for i in declaration.node_ids if i in artifacts.by_id]
    records, stale = store_of(artifacts).read(declaration), stale_by_node(artifacts)
    found = statuses_of(artifacts, records, ids, keys, stale)
    names = node_names(artifacts)
    return [
        {"node": names[node_id], **{each: _cell(of_node, keys, each) for each in STATUSES}}
        for node_id, of_node in found.items()
    ]


def _cell(of_node: list[PartitionStatus], keys: list[str], wanted: PartitionStatus) -> str:
    """Return a count and, except of what is done, the first partitions of it."""
    mine = [key for key, status in zip(keys, of_node, strict=True) if status == wanted]
    if wanted == "done" or not mine:
        return str(len(mine))
    more = ", ..." if len(mine) > _MOST_NAMED else ""
    return f"{len(mine)}: {', '.join(mine[:_MOST_NAMED])}{more}"
