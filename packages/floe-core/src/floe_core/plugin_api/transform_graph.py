"""Sort transforms topologically."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush

from floe_core.plugin_interfaces import TransformConfig


def ordered(transforms: list[TransformConfig]) -> list[TransformConfig]:
    """Return the transforms, dependencies first, otherwise in the order given.

    Dependencies outside the list are ignored.

    Raises:
        ValueError: A name is given twice, a transform depends on itself, or there is a cycle.
    """
    _refuse_duplicates(transforms)
    positions = {transform.name: place for place, transform in enumerate(transforms)}
    upstream = {name: _inside(transforms[place], positions) for name, place in positions.items()}
    for name, names in upstream.items():
        if name in names:
            raise ValueError(f"transform '{name}' depends on itself")
    order = _sort_places(upstream, positions)
    if len(order) < len(transforms):
        placed = {transforms[place].name for place in order}
        rest = {name: deps for name, deps in upstream.items() if name not in placed}
        raise ValueError(f"transforms depend on each other in a cycle: {_cycle(rest)}")
    return [transforms[place] for place in order]


def _refuse_duplicates(transforms: list[TransformConfig]) -> None:
    counts = Counter(transform.name for transform in transforms)
    twice = sorted(name for name, count in counts.items() if count > 1)
    if twice:
        names = ", ".join(f"'{name}'" for name in twice)
        raise ValueError(f"transform names must differ; given more than once: {names}")


def _inside(transform: TransformConfig, positions: dict[str, int]) -> list[str]:
    return [name for name in dict.fromkeys(transform.depends_on) if name in positions]


def _sort_places(upstream: dict[str, list[str]], positions: dict[str, int]) -> list[int]:
    """Return the list positions that can be ordered; of those ready, the earliest comes first."""
    names = list(positions)
    sorter = TopologicalSorter(upstream)
    with suppress(CycleError):  # Transforms in a cycle are never ready.
        sorter.prepare()
    waiting = sorted(positions[name] for name in sorter.get_ready())
    order: list[int] = []
    while waiting:
        order.append(heappop(waiting))
        sorter.done(names[order[-1]])
        for name in sorter.get_ready():
            heappush(waiting, positions[name])
    return order


def _cycle(upstream: dict[str, list[str]]) -> str:
    """Return one cycle as `a -> b -> a`, each depending on the next, its smallest name first.

    Every name in `upstream` depends on another one in it, so walking upstream must reach a cycle.
    """
    walked: dict[str, int] = {}
    name = min(upstream)
    while name not in walked:
        walked[name] = len(walked)
        name = min(parent for parent in upstream[name] if parent in upstream)
    loop = list(walked)[walked[name] :]
    start = loop.index(min(loop))
    loop = loop[start:] + loop[:start]
    return " -> ".join([*loop, loop[0]])
