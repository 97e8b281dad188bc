"""Find the partitions of a product whose input ports were built again since."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from floe_core.ports.ledger import ledger_of
from floe_core.ports.periods import stale_periods
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


def stale_by_job(artifacts: CompiledArtifacts) -> dict[str, tuple[str, ...]]:
    """Return name of a job that runs for `every` period -> the keys of its stale ones, in order.

    Raises:
        EnvironmentProblemError: The ledger cannot be read.
    """
    found: dict[str, tuple[str, ...]] = {}
    ledger = ledger_of(artifacts)
    for job in artifacts.jobs:
        trigger = job.trigger
        if trigger is None or trigger.every is None or ledger is None:
            continue
        begun = ledger.read(artifacts.product.name).periods.get(job.name, {})
        built = ledger.partitions(trigger.port_partitions)
        found[job.name] = stale_periods(trigger.every, built, begun, datetime.now(UTC))
    return found


def stale_by_node(artifacts: CompiledArtifacts) -> Mapping[str, frozenset[str]]:
    """Return id of a partitioned node -> the keys of its stale partitions, because of its ports.

    Raises:
        EnvironmentProblemError: The ledger cannot be read.
    """
    found: dict[str, frozenset[str]] = {}
    stale = {name: keys for name, keys in stale_by_job(artifacts).items() if keys}
    if not stale or artifacts.partitions is None:
        return found
    below = artifacts.graph.below(port.node_id for port in artifacts.input_ports if port.node_id)
    for name, keys in stale.items():
        for node in artifacts.nodes_of(artifacts.job(name)):
            if node.unique_id in below & artifacts.partitions.members:
                found[node.unique_id] = found.get(node.unique_id, frozenset()) | {*keys}
    return found
