"""What an orchestrator itself holds of a product, and what it recorded of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import takewhile

Ticks = Callable[[datetime], Iterable[datetime]]


@dataclass(frozen=True)
class LoadedJob:
    """A part of the product that the orchestrator runs together.

    `nodes` are the names of the dbt nodes it builds. `ticks(start)` are the instants, from `start`
    on and in order, at which the orchestrator would start it, and may have no end; None when it
    never does by itself.
    """

    nodes: frozenset[str]
    ticks: Ticks | None = field(default=None, compare=False)

    def ticks_between(self, start: datetime, end: datetime) -> list[datetime]:
        """Return the ticks with start <= t < end, in UTC."""
        in_time = takewhile(lambda tick: tick < end, self.ticks(start) if self.ticks else ())
        return [tick.astimezone(UTC) for tick in in_time]


@dataclass(frozen=True)
class LoadedProduct:
    """The product as the orchestrator tells it.

    `upstream` maps a dbt node's name to the names of what it waits for; what the plugin adds to
    dbt's graph for purposes of its own is left out. `jobs` maps floe's job name to the job.
    """

    upstream: Mapping[str, frozenset[str]]
    jobs: Mapping[str, LoadedJob]


@dataclass(frozen=True)
class RanProduct:
    """What the orchestrator recorded of one run: its verdict, and the nodes that are done.

    A model, seed or snapshot is done when it was built, a test when it passed.
    """

    succeeded: bool
    done: frozenset[str]


@dataclass(frozen=True)
class LoadedTransform:
    """One object that was made of a transform: its name, and those of what it waits for."""

    name: str
    upstream: frozenset[str] = frozenset()
