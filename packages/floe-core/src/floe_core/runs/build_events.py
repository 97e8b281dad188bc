"""The events that a build emits while it runs, and how they are written to the journal."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

# How a run ended.
RunStatus = Literal["success", "failed", "canceled"]
NodeStatus = Literal["success", "error", "fail", "pass", "warn", "skipped", "reused"]

PASSED: frozenset[str] = frozenset({"success", "pass", "warn", "reused"})


@dataclass(frozen=True, slots=True)
class NodeStarted:
    """A node started. `at` is an aware UTC time."""

    unique_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class NodeLog:
    """One log message of dbt, or of floe itself; `unique_id` is "" when it belongs to no node.

    `is_from_project`: Jinja of the project wrote it, by `log(info=true)` or `print()`.
    """

    unique_id: str
    level: str
    text: str
    is_from_floe: bool = False
    is_from_project: bool = False


@dataclass(frozen=True, slots=True)
class DatasetFact:
    """What a step reported about a dataset that it wrote, under the dataset's name in floe.yaml.

    `version` distinguishes this state of the dataset from others, "" if the step reported none.
    """

    dataset: str
    rows: int | None = None
    version: str = ""


@dataclass(frozen=True, slots=True)
class ReusedBuild:
    """The earlier build that produced the relation of a reused node.

    `run_id` is floe's id of that run, `lineage_run_id` OpenLineage's id of the node's run in it.
    `seconds` is how long it took, `rows` how many rows it left, None if they were not counted.
    """

    run_id: str
    lineage_run_id: str
    seconds: float = 0.0
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class PartitionResult:
    """A partitioned node ended for one partition, which may have been built with others.

    Fields are those of `NodeResult`. If it was built with others, `rows` is None, and `seconds` is
    its share. The `NodeResult` of the node follows once all its partitions have ended.
    """

    unique_id: str
    key: str
    status: NodeStatus
    seconds: float = 0.0
    message: str = ""
    rows: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def passed(self) -> bool:
        """Whether the partition is built."""
        return self.status in PASSED


@dataclass(frozen=True, slots=True)
class NodeResult:
    """A node ended.

    `status` is dbt's: success, error or skipped for nodes that build; pass, warn, fail or error for
    tests; reused for a node that was not built because a build would not change it.
    `rows` is the number of rows that the warehouse reported as written, `failures` the number that
    a test found; None if not reported. Times are aware UTC; both None for a node that never
    started. `datasets` are what a step reported about the datasets it wrote. `reused` is the build
    that a reused node comes from, None for other nodes. `data_version` distinguishes this state of
    a relation from others if `execution.reuse` is on, "" for a node that was not built.
    `is_disabled` marks a skipped node that the project does not have in this run. `failed_batches`
    are the batches of a microbatch model that were not built, as dbt names them, such as
    2026-11-03, and `built_batches` how many were. `invocation_id` is dbt's id of the call that ran
    the node, "" if none did. `partitions` are pairs of the key of a partition and its status, in
    order, for a node that is built by partition; see `PartitionResult`.
    """

    unique_id: str
    status: NodeStatus
    seconds: float = 0.0
    message: str = ""
    rows: int | None = None
    failures: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    datasets: tuple[DatasetFact, ...] = ()
    reused: ReusedBuild | None = None
    data_version: str = ""
    is_disabled: bool = False
    built_batches: int = 0
    failed_batches: tuple[str, ...] = ()
    invocation_id: str = ""
    partitions: tuple[tuple[str, NodeStatus], ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the run can succeed with this result."""
        return self.status in PASSED or self.is_disabled

    @property
    def is_new(self) -> bool:
        """Whether the node ran and passed, and was not only reused or disabled."""
        return self.passed and self.status not in ("reused", "skipped")


@dataclass(frozen=True, slots=True)
class BuildEnded:
    """The build is over: it succeeded if and only if every node passed.

    `message` says why it failed when no single node is the cause.
    """

    succeeded: bool
    message: str = ""


BuildEvent = NodeStarted | NodeLog | PartitionResult | NodeResult | BuildEnded

_KINDS = {
    kind.__name__: kind for kind in (NodeStarted, NodeLog, PartitionResult, NodeResult, BuildEnded)
}
# Fields that most results do not have; a line has them only if they are not empty.
_RARE = (
    *("datasets", "reused", "data_version", "is_disabled", "is_from_floe"),
    *("built_batches", "failed_batches", "invocation_id", "partitions"),
)
_TIMES = ("at", "started_at", "ended_at")


def to_line(event: BuildEvent) -> str:
    """Return the event as one line of JSON, without the newline.

    >>> from_line(to_line(BuildEnded(True))) == BuildEnded(True)
    True
    >>> reused = NodeResult("model.shop.a", "reused", reused=ReusedBuild("1", "", 2.0))
    >>> from_line(to_line(reused)) == reused
    True
    >>> daily = NodeResult("model.shop.a", "error", partitions=(("2026-11-03", "error"),))
    >>> from_line(to_line(daily)) == daily
    True
    """
    fields = asdict(event)
    for name in _RARE:
        if not fields.get(name, True):
            del fields[name]
    for name in _TIMES:
        if fields.get(name) is not None:
            fields[name] = fields[name].isoformat()
    return json.dumps({"event": type(event).__name__, **fields}, ensure_ascii=False)


def from_line(line: str) -> BuildEvent:
    """Return the event that `to_line` wrote."""
    fields = json.loads(line)
    kind = _KINDS[fields.pop("event")]
    for name in _TIMES:
        if fields.get(name) is not None:
            fields[name] = datetime.fromisoformat(fields[name])
    if "failed_batches" in fields:
        fields["failed_batches"] = tuple(fields["failed_batches"])
    if "partitions" in fields:
        fields["partitions"] = tuple((key, status) for key, status in fields["partitions"])
    if "datasets" in fields:
        fields["datasets"] = tuple(DatasetFact(**each) for each in fields["datasets"])
    if "reused" in fields:
        fields["reused"] = ReusedBuild(**fields["reused"])
    event: BuildEvent = kind(**fields)
    return event


CULPRITS = frozenset({"error", "fail"})


def failure_text(results: Iterable[NodeResult], problem: str = "") -> str:
    """Return what went wrong in a run: a headline, then a line for each node that failed.

    `problem` is the headline if the build has one; otherwise it counts the nodes that did not pass.
    Nodes skipped because of another node are counted but not listed.

    >>> failed, below = NodeResult("model.s.a", "error", message="no"), "model.s.b"
    >>> print(failure_text([failed, NodeResult(below, "skipped")]))
    2 of 2 nodes: 1 error, 1 skipped
    model.s.a: no
    """
    found = list(results)
    headline = problem or count_failed(found)
    lines = [f"{r.unique_id}: {r.message or r.status}" for r in found if r.status in CULPRITS]
    return "\n".join([headline, *lines])


def count_failed(results: Collection[NodeResult]) -> str:
    """Return how many nodes did not pass, by status.

    >>> count_failed([NodeResult("model.s.a", "error")])
    '1 of 1 node: 1 error'
    """
    statuses = Counter(result.status for result in results if not result.passed)
    counts = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
    nodes = "node" if len(results) == 1 else "nodes"
    return f"{statuses.total()} of {len(results)} {nodes}: {counts}"
