"""Records of what an orchestrator has loaded of a product, and of what it ran."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import takewhile

Ticks = Callable[[datetime], Iterable[datetime]]


@dataclass(frozen=True)
class LoadedJob:
    """A part of the product that the orchestrator runs as one job.

    `nodes` are the names of the dbt nodes it builds. `ticks(start)` yields, in order, the instants
    from `start` on at which the orchestrator would start the job; it may be infinite. `ticks` is
    None if the orchestrator never starts the job by itself. `catches_up` is whether each tick that
    comes during a run of the job gets a run of its own, and not the latest only; None if the
    orchestrator cannot tell.
    """

    nodes: frozenset[str]
    ticks: Ticks | None = field(default=None, compare=False)
    catches_up: bool | None = None

    def ticks_between(self, start: datetime, end: datetime) -> list[datetime]:
        """Return the ticks with start <= t < end, in UTC."""
        in_time = takewhile(lambda tick: tick < end, self.ticks(start) if self.ticks else ())
        return [tick.astimezone(UTC) for tick in in_time]


@dataclass(frozen=True)
class LoadedProduct:
    """The product as the orchestrator has loaded it.

    `upstream` maps a dbt node's name to the names of the nodes it waits for. Leave out anything
    that the plugin adds to dbt's graph for its own purposes. `jobs` maps floe's job name to the
    job.
    """

    upstream: Mapping[str, frozenset[str]]
    jobs: Mapping[str, LoadedJob]


@dataclass(frozen=True)
class RanProduct:
    """What the orchestrator recorded about one run: whether it succeeded, and which nodes are done.

    A model, seed or snapshot is done when it was built, a test when it passed.
    """

    succeeded: bool
    done: frozenset[str]


@dataclass(frozen=True)
class LoadedTransform:
    """One object made from a transform: its name, and the names of the objects it waits for."""

    name: str
    upstream: frozenset[str] = frozenset()
