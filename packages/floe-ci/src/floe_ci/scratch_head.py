"""The head compiled once more, with a target that leads to places of the check's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from floe_ci.compilations import Compilation, compile_at
from floe_ci.production import OWNER, Production
from floe_core.compiler.compile_product import CompiledProduct
from floe_core.compiler.profile import Profile
from floe_core.warehouse.table_contents import relation_of
from floe_parity.sides.scratch import (
    Scratch,
    new_scratch,
    refuse_other_files,
    refuse_writes_outside,
)
from floe_parity.sides.scratch_journal import dropped_afterwards

SNAPSHOT = "snapshot"


class ScratchHead:
    """Compiles the head into `folder`, and refuses it if one of these nodes would write elsewhere.

    `left_out` are snapshots that have a schema of their own whatever the target's is.
    """

    def __init__(
        self, head: Compilation, folder: Path, production: Production, node_ids: Iterable[str]
    ) -> None:
        self._production = production
        self._wanted = frozenset(node_ids)
        self._place: Scratch | None = None
        self.left_out: frozenset[str] = frozenset()
        self.compilation = compile_at(
            *(head.source, folder, self._point_here, self._refuse_writes_outside),
            reuse=False,
            job=head.job,
        )
        nodes = (n for n in self.compilation.artifacts.built if n.unique_id in self._wanted)
        production.make_room(relation_of(node) for node in nodes if node.is_relation)

    @property
    def place(self) -> Scratch:
        """The schemas."""
        assert self._place is not None
        return self._place

    @property
    def shown(self) -> str:
        """The place of the build, for people."""
        is_in_copies = self._production.keeps_schemas
        return "a copy of production's files" if is_in_copies else self.place.base

    def _point_here(self, profile: Profile) -> Profile:
        self._place = self._place or new_scratch(profile, OWNER)
        return self._production.in_scratch(profile, self._place)

    def _refuse_writes_outside(self, compiled: CompiledProduct) -> None:
        if self._production.keeps_schemas:
            return  # Nothing is outside: all files are copies.
        self.left_out = frozenset(
            node.unique_id
            for node in compiled.artifacts.built
            if node.resource_type == SNAPSHOT and self.place.base not in node.schema_name
        )
        built = self._wanted - self.left_out
        refuse_writes_outside(compiled, self.place, built)
        if self._production.is_copied:
            refuse_other_files(compiled, OWNER, built)

    def dropped(self, home: Path, tell: Callable[[str], None]) -> AbstractContextManager[None]:
        """Return what drops the schemas at its end; those in a copy go with it."""
        if self._production.is_copied:
            return nullcontext()
        return dropped_afterwards(home, self.compilation.artifacts, self.place, tell)
