"""Lineage of a node that was built by partition: its period, and the part of its table."""

from __future__ import annotations

from floe_core.lineage import facets
from floe_core.lineage.facets import Json
from floe_core.partitions.calendar import Partition, partition_of_key
from floe_core.runs.build_events import PASSED, NodeResult
from floe_core.schemas.partitions import Partitions


def period_of_run(declaration: Partitions | None, result: NodeResult) -> Json:
    """Return the facet of the time that a node's partitions cover; {} without partitions."""
    if declaration is None or not result.partitions:
        return {}
    found = [partition_of_key(declaration, key) for key, _ in result.partitions]
    return {"nominalTime": facets.nominal_time(found[0].start, found[-1].end)}


def subset_of_output(declaration: Partitions | None, result: NodeResult) -> Json:
    """Return the facet of the partitions that were built of a table; {} for none."""
    if declaration is None:
        return {}
    built = [key for key, status in result.partitions if status in PASSED]
    partitions = [_dimensions(partition_of_key(declaration, key)) for key in built]
    return {"subset": facets.output_subset(partitions)} if partitions else {}


def _dimensions(partition: Partition) -> Json:
    period = {"start": partition.start.isoformat(), "end": partition.end.isoformat()}
    return {"identifier": partition.key, "dimensions": period}
