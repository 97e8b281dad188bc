"""What other distributions add to floe, by entry point group and name."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

from floe_core.foundation.errors import PluginError

T = TypeVar("T")


class InstalledParts(Mapping[str, T]):
    """Name -> an instance of the class that an entry point of a group names; imported when used.

    A class must be a subclass of `kind` that can be made without arguments.
    """

    def __init__(self, group: str, kind: type[T]) -> None:
        self._group = group
        self._kind = kind
        self._made: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        point = self.points[name]
        if name not in self._made:
            self._made[name] = self._make(point)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.points)

    def __len__(self) -> int:
        return len(self.points)

    @cached_property
    def points(self) -> dict[str, EntryPoint]:
        """Name -> entry point."""
        return installed_points(self._group)

    def _make(self, point: EntryPoint) -> T:
        where = f"{self._group} '{point.name}' ({distribution_of(point)}, {point.value})"
        with named_failure(where):
            found = point.load()()
        if not isinstance(found, self._kind):
            name = type(found).__name__
            raise PluginError(f"{where} is not a {self._kind.__name__} but {name}")
        return found


@contextmanager
def named_failure(what: str) -> Iterator[None]:
    """Report whatever third-party code raises while the block loads it as a `PluginError`."""
    try:
        yield
    except Exception as error:
        raise PluginError(f"{what} does not load: {type(error).__name__}: {error}") from error


def installed_points(group: str) -> dict[str, EntryPoint]:
    """Return name -> entry point. If several claim a name, the first by distribution name wins."""
    claims: dict[str, list[EntryPoint]] = {}
    for point in sorted(entry_points(group=group), key=lambda p: (distribution_of(p), p.value)):
        rivals = claims.setdefault(point.name, [])
        if all(distribution_of(rival) != distribution_of(point) for rival in rivals):
            rivals.append(point)
    for name, rivals in claims.items():
        if len(rivals) > 1:
            _warn_of_rivals(group, name, rivals)
    return {name: rivals[0] for name, rivals in claims.items()}


def distribution_of(point: EntryPoint) -> str:
    """Return the name and version of the distribution that declares an entry point."""
    return f"{point.dist.name} {point.dist.version}" if point.dist else "an unnamed distribution"


def _warn_of_rivals(group: str, name: str, rivals: list[EntryPoint]) -> None:
    what = group.partition(".")[2].removesuffix("s")
    owners = " and ".join(distribution_of(point) for point in rivals)
    warnings.warn(
        f"the {what} name '{name}' is claimed by {owners}; "
        f"{distribution_of(rivals[0])} is used. Uninstall the other.",
        stacklevel=5,
    )
