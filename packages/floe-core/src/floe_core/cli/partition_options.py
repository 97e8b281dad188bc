"""Which partitions `floe run` builds: those of `--partition`, or those of a backfill."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from floe_core.foundation.errors import UsageError
from floe_core.partitions.chosen import RANGE, partitions_named
from floe_core.plugin_api.powers import RunOptions
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.partitions import Partitions
from floe_core.schemas.policies import Job


def has_partitions(artifacts: CompiledArtifacts, job: Job) -> bool:
    """Return whether a job builds partitioned nodes."""
    if artifacts.partitions is None:
        return False
    partitioned = frozenset(artifacts.partitions.node_ids)
    return any(node.unique_id in partitioned for node in artifacts.nodes_of(job))


def with_partitions(artifacts: CompiledArtifacts, options: RunOptions) -> RunOptions:
    """Return the options of a run; one that names partitions is for the end of the last one.

    Raises:
        UsageError: A named partition does not exist or is not over, or there are no partitions.
    """
    named = options.parameters.partitions
    if not named:
        return options
    if options.parameters.full_refresh:
        raise UsageError("--full-refresh would keep the named partitions alone: leave it out")
    partitions = partitions_named(_declaration(artifacts), named, datetime.now(UTC))
    return replace(options, nominal_time=partitions[-1].end)


def backfilled(artifacts: CompiledArtifacts, first: str, last: str) -> str:
    """Return what names the partitions of a backfill, from one key to another."""
    _declaration(artifacts)
    return f"{first}{RANGE}{last}"


def _declaration(artifacts: CompiledArtifacts) -> Partitions:
    if artifacts.partitions is None:
        raise UsageError(
            f"{artifacts.product.name} has no partitions: declare `partitions` in floe.yaml"
        )
    return artifacts.partitions
