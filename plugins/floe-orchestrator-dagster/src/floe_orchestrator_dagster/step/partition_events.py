"""What a step reports of the partitions that it builds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetMaterialization,
    Failure,
    OpExecutionContext,
)

from floe_core.execution import NodeResult, PartitionResult
from floe_core.foundation.errors import UsageError
from floe_core.partitions.chosen import partitions_named
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.names.partitions import named_in


def check_partitions(artifacts: CompiledArtifacts, named: str, tags: Mapping[str, str]) -> None:
    """Check that a run's config names no other partitions than its tags.

    Raises:
        Failure: It does.
    """
    of_run, declaration, now = named_in(tags), artifacts.partitions, datetime.now(UTC)
    if declaration is None or not (named and of_run):
        return
    try:
        own, others = (partitions_named(declaration, each, now) for each in (of_run, named))
    except UsageError:
        # The build refuses them.
        return
    if own != others:
        what = f"the run is for partition {of_run}, and its config says {named}"
        raise Failure(what, allow_retries=False)


class BuiltPartitions:
    """How the nodes of a step ended for each partition.

    Dagster itself reports an output for all partitions of its run. It reports no output of a node
    that failed for one of them, and none by partition in a run without partitions: the partitions
    that were built are logged here.
    """

    def __init__(self, context: OpExecutionContext) -> None:
        has_keys = context.has_partition_key or context.has_partition_key_range
        self._of_run = frozenset(context.partition_keys) if has_keys else None
        self._specs = context.assets_def.specs_by_key
        self._built: dict[str, dict[str, PartitionResult]] = {}

    def note(self, result: PartitionResult) -> None:
        """Note how a node ended for a partition."""
        self._built.setdefault(result.unique_id, {})[result.key] = result

    def add_metadata(self, result: NodeResult, key: AssetKey) -> None:
        """Let Dagster add each partition's own metadata to the materialization of a node."""
        for partition, metadata in self._metadata(result.unique_id):
            if partition not in (self._of_run or ()):
                continue
            AssetExecutionContext.get().add_asset_metadata(
                metadata, asset_key=key, partition_key=partition
            )

    def logged(
        self, result: NodeResult, keys: tuple[AssetKey, ...]
    ) -> Iterator[AssetMaterialization]:
        """Yield the materializations of a node's partitions that Dagster does not report itself."""
        if self._of_run is not None and result.status == "success":
            return
        partitioned = [key for key in keys if self._specs[key].partitions_def is not None]
        for partition, metadata in self._metadata(result.unique_id):
            for key in partitioned:
                yield AssetMaterialization(key, partition=partition, metadata=metadata)

    def _metadata(self, node_id: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield the partitions that were built of a node, and the metadata of each."""
        for partition, built in self._built.get(node_id, {}).items():
            if built.passed:
                known = {"Execution Duration": built.seconds, "dagster/row_count": built.rows}
                yield partition, {name: value for name, value in known.items() if value is not None}
