"""Which partitions `floe run` builds: those of `--partition`, or those of a backfill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from floe_core.foundation.errors import UsageError
from floe_core.partitions.chosen import RANGE, name_partitions, partitions_named
from floe_core.partitions.statuses import PartitionStatus, statuses_of
from floe_core.partitions.store import store_of
from floe_core.plugin_api.powers import RunOptions
from floe_core.ports.watch import stale_by_node
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.partitions import Partitions
from floe_core.schemas.policies import Job


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


def backfilled(
    artifacts: CompiledArtifacts, job: Job, keys: tuple[str, str], wanted: PartitionStatus | None
) -> str:
    """Return what names the partitions of a backfill, from one key to another.

    With `wanted`, only those of which a node of the job stands like that; "" if there are none.

    Raises:
        UsageError: A partition does not exist or is not over, or the range is backward.
        EnvironmentProblemError: The states cannot be read.
    """
    declaration, named = _declaration(artifacts), RANGE.join(keys)
    partitions = partitions_named(declaration, named, datetime.now(UTC))
    if wanted is None:
        return named
    partitioned = frozenset(declaration.node_ids)
    ids = [n.unique_id for n in artifacts.nodes_of(job) if n.unique_id in partitioned]
    records = store_of(artifacts).read(declaration)
    names = [each.key for each in partitions]
    found = statuses_of(artifacts, records, ids, names, stale_by_node(artifacts))
    return name_partitions(
        each
        for number, each in enumerate(partitions)
        if any(of_node[number] == wanted for of_node in found.values())
    )


def one_status(
    flags: Mapping[PartitionStatus, bool], *, is_backfill: bool
) -> PartitionStatus | None:
    """Return the one that is set of `--failed`, `--missing` and `--stale`, None for none.

    Raises:
        UsageError: Several are set, or one without `--backfill`.
    """
    given = [name for name, is_set in flags.items() if is_set]
    if len(given) > 1:
        raise UsageError(f"--{given[0]} and --{given[1]}: give one of them")
    if given and not is_backfill:
        raise UsageError(f"--{given[0]} chooses among the partitions of --backfill FROM TO: add it")
    return given[0] if given else None


def _declaration(artifacts: CompiledArtifacts) -> Partitions:
    if artifacts.partitions is None:
        raise UsageError(
            f"{artifacts.product.name} has no partitions: declare `partitions` in floe.yaml"
        )
    return artifacts.partitions
