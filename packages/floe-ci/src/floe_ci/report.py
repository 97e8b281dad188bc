"""The result of a check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from floe_ci.breaking import Break
from floe_core.runs.build_events import NodeResult
from floe_diff import ProductDifference
from floe_diff.data import DataDifference


@dataclass(frozen=True)
class ChangeReport:
    """A change from `base` to `head`, as they were named, and what it does.

    `why` is node id -> why it was built, parents first; `results` is node id -> how that ended.
    `total` counts the nodes of the head that a build could build. `data` is None where there was
    nothing to compare. `never_built` are ids of steps and of freshness, which no check runs;
    `not_compared` of relations whose rows come from earlier runs, `left_out` of snapshots that go
    to a schema of their own and were not built. `unread_products` are sentences about products
    that may read the ports, but could not be read. `problem` is what no node is to blame for, ""
    for nothing.
    """

    product: str
    base: str
    head: str
    difference: ProductDifference
    why: Mapping[str, str]
    total: int
    results: Mapping[str, NodeResult] = field(default_factory=dict)
    breaking: tuple[Break, ...] = ()
    data: DataDifference | None = None
    never_built: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    unread_products: tuple[str, ...] = ()
    problem: str = ""

    @property
    def built(self) -> tuple[str, ...]:
        """The ids of what was to be built beside production, parents first."""
        return tuple(i for i in self.why if i not in self.left_out)

    @property
    def failed(self) -> tuple[str, ...]:
        """The ids of what was to be built and has not passed, parents first."""
        return tuple(i for i in self.built if i not in self.results or not self.results[i].passed)

    @property
    def is_breaking(self) -> bool:
        """Whether a reader of a table or a port no longer finds what it reads."""
        return bool(self.breaking or self.difference.broken)

    @property
    def has_passed(self) -> bool:
        """Whether all that was built passed."""
        return not (self.failed or self.problem)

    def as_dict(self) -> dict[str, Any]:
        """Return it as `floe ci --json` prints it."""
        return {
            "status": "success" if self.has_passed else "failed",
            "product": self.product,
            "base": self.base,
            "head": self.head,
            "nodes": {i: self._node(i) for i in self.why},
            "left_to_production": self.total - len(self.built),
            "problem": self.problem,
            "breaking": [asdict(each) for each in self.breaking],
            "broken": list(self.difference.broken),
            "difference": {"different": bool(self.difference), **asdict(self.difference)},
            "data": None if self.data is None else asdict(self.data),
            "never_built": list(self.never_built),
            "not_compared": list(self.not_compared),
            "left_out": list(self.left_out),
            "unread_products": list(self.unread_products),
        }

    def _node(self, node_id: str) -> dict[str, Any]:
        result = self.results.get(node_id) or NodeResult(node_id, "skipped")
        return {"why": self.why[node_id], "status": result.status, "message": result.message}
