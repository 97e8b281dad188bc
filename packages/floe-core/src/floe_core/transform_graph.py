"""Put transforms in an order in which each comes after what it depends on."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush

from floe_core.plugin_interfaces import TransformConfig


def ordered(transforms: list[TransformConfig]) -> list[TransformConfig]:
    """Return the transforms, dependencies first, otherwise in the order given.

    Dependencies outside the list do not count.

    Raises:
        ValueError: A name given twice, a transform that depends on itself, or a cycle.
    """
    _refuse_duplicates(transforms)
    positions = {transform.name: place for place, transform in enumerate(transforms)}
    upstream = {name: _inside(transforms[place], positions) for name, place in positions.items()}
    for name, names in upstream.items():
        if name in names:
            raise ValueError(f"transform '{name}' depends on itself")
    order = _sorted_places(upstream, positions)
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


def _sorted_places(upstream: dict[str, list[str]], positions: dict[str, int]) -> list[int]:
    """Return what can be ordered: places in the list, the earliest of those ready first."""
    names = list(positions)
    sorter = TopologicalSorter(upstream)
    with suppress(CycleError):  # What is in the cycle is never ready.
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

    Every name in `upstream` waits for another one in it, so walking up must come back.
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
