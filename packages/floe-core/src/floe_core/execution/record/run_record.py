"""The results of a run's attempts so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from floe_core.runs.build_events import BuildEvent, NodeResult, PartitionResult


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Node id -> its last result, and node id -> how often it ended in an error.

    `partitions` is node id -> key -> the last result of a node for a partition.
    """

    results: Mapping[str, NodeResult] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)
    partitions: Mapping[str, Mapping[str, PartitionResult]] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Iterable[BuildEvent]) -> RunRecord:
        """Return the record of these events, given in order.

        >>> RunRecord.of([NodeResult("a", "error"), NodeResult("a", "success")]).failures
        Counter({'a': 1})
        """
        events = tuple(events)
        results = [event for event in events if isinstance(event, NodeResult)]
        errors = Counter(result.unique_id for result in results if result.status == "error")
        partitions: dict[str, dict[str, PartitionResult]] = {}
        for event in events:
            if isinstance(event, PartitionResult):
                partitions.setdefault(event.unique_id, {})[event.key] = event
        return cls({result.unique_id: result for result in results}, errors, partitions)

    def after(self, events: Iterable[BuildEvent]) -> RunRecord:
        """Return the record after these further events."""
        further = RunRecord.of(events)
        failures = Counter(self.failures) + Counter(further.failures)
        partitions = {
            node_id: {**self.partitions.get(node_id, {}), **further.partitions.get(node_id, {})}
            for node_id in (*self.partitions, *further.partitions)
        }
        return RunRecord({**self.results, **further.results}, failures, partitions)
