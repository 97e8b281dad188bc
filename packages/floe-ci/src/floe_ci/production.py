"""Where production's tables are read: the warehouse itself, or copies of its files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from floe_ci.warehouse_copies import DuckDBCopy, SQLiteCopies
from floe_core.compiler.profile import Profile
from floe_core.foundation.errors import UsageError
from floe_core.warehouse.dialect import Relation
from floe_parity.sides.scratch import Scratch, in_scratch, refuse_secrets_in, sharing_files

# The name of this command in messages, and in the names of its schemas.
OWNER = "ci"


class Production:
    """Production by the profile of BASE. `home` is what relative paths in that start from.

    Copies of files are in `folder`, and those to build in beside it.
    """

    def __init__(self, home: Path, folder: Path) -> None:
        self._home = home
        self._folder = folder
        self._base: Profile | None = None
        self._place: DuckDBCopy | SQLiteCopies | None = None
        self._built_in: SQLiteCopies | None = None

    def of_base(self, profile: Profile) -> Profile:
        """Return the profile of BASE with what is read in the place of production.

        Raises:
            EnvironmentProblemError: A file is not there, or in use.
        """
        if self._base is None:
            self._base = profile
            self._place = self._find_place(profile)
        return self._point_to_place(profile)

    def of_head(self, profile: Profile) -> Profile:
        """Return the profile of HEAD with the same.

        Raises:
            UsageError: HEAD is on another kind of warehouse.
        """
        assert self._base is not None  # the base is compiled first
        if profile.adapter != self._base.adapter:
            raise UsageError(
                f"the base is on {self._base.adapter} and the head on {profile.adapter}: tables of "
                "two kinds of warehouses can't be compared"
            )
        return self._point_to_place(profile)

    def in_scratch(self, profile: Profile, scratch: Scratch) -> Profile:
        """Return the profile of HEAD that builds in a schema of its own, or in copies of its own.

        Raises:
            UsageError: Runs would not use it, since the profile is not copied.
        """
        led = self.of_head(profile)
        if not isinstance(self._place, SQLiteCopies):
            return in_scratch(led, scratch)
        self._built_in = self._built_in or self._place.again(self._folder.with_name("built"))
        return self._built_in.lead(profile)

    def make_room(self, relations: Iterable[Relation]) -> None:
        """Drop relations to build from copies of their own, so that they are built from scratch."""
        if self._built_in is not None:
            self._built_in.drop(relations)

    @property
    def is_copied(self) -> bool:
        """Whether the built relations are in a copy, and removed with it."""
        return isinstance(self._place, DuckDBCopy | SQLiteCopies)

    @property
    def keeps_schemas(self) -> bool:
        """Whether relations are built under production's names, in copies of all files."""
        return isinstance(self._place, SQLiteCopies)

    def _find_place(self, profile: Profile) -> DuckDBCopy | SQLiteCopies | None:
        if profile.adapter == "duckdb":
            return DuckDBCopy(profile, self._home, self._folder)
        if profile.adapter == "sqlite":
            return SQLiteCopies.of(profile, self._home, self._folder)
        return None

    def _point_to_place(self, profile: Profile) -> Profile:
        if self._place is not None:
            refuse_secrets_in(profile, OWNER)
            return self._place.lead(profile)
        assert self._base is not None
        led = sharing_files(profile, self._base, self._home)
        if led is not profile:
            refuse_secrets_in(profile, OWNER)
        return led
