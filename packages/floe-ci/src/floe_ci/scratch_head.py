"""Compile and build what changed, in scratch copies."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from floe_ci.affected import RUN_ID
from floe_ci.compilations import Compilation, compile_at
from floe_ci.production import OWNER, Production
from floe_core.compiler.compile_product import CompiledProduct
from floe_core.compiler.profile import Profile
from floe_core.execution import build
from floe_core.foundation.process_environment import environment_with
from floe_core.runs.build_events import CULPRITS, BuildEnded, BuildEvent, NodeResult
from floe_core.runs.build_request import BuildRequest
from floe_core.warehouse.table_contents import relation_of
from floe_parity.sides.scratch import (
    Scratch,
    new_scratch,
    prepare_run_apart,
    refuse_other_files,
    refuse_writes_outside,
)
from floe_parity.sides.scratch_journal import dropped_afterwards

# A check is not a run of the product: it sends no lineage or traces either.
_SILENT = {"OPENLINEAGE_DISABLED": "true", "OTEL_SDK_DISABLED": "true"}

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


@dataclass
class Built:
    """The results of a build by node id; `problem` is a failure that no node caused."""

    results: dict[str, NodeResult] = field(default_factory=dict)
    succeeded: bool = True
    problem: str = ""

    @property
    def has_culprit(self) -> bool:
        """Whether a node caused the failure of the build."""
        return any(result.status in CULPRITS for result in self.results.values())


def build_in_scratch(
    scratch: Compilation,
    state: Path,
    node_ids: Iterable[str],
    on_event: Callable[[BuildEvent], None],
) -> Built:
    """Build these nodes by `dbt build --defer`; `state` is the folder of the base's manifest."""
    deferred = {
        "DBT_DEFER": "true",
        "DBT_FAVOR_STATE": "false",
        "DBT_STATE": str(state),
        "DBT_DEFER_STATE": str(state),
    }
    request = BuildRequest(
        scratch.job,
        RUN_ID,
        tuple(sorted(node_ids)),
        resume=False,
        may_reuse=False,
    )
    apart = prepare_run_apart(scratch.artifacts.folder.with_name("shared"))
    built = Built()
    # Relations built here must not count as updates of a port.
    artifacts = scratch.artifacts.model_copy(update={"ports": (), "input_ports": ()})
    with (
        environment_with({**_SILENT, **apart, **deferred}),
        closing(build(artifacts.bound_to(scratch.artifacts.folder), request)) as events,
    ):
        for event in events:
            on_event(event)
            if isinstance(event, NodeResult):
                built.results[event.unique_id] = event
            elif isinstance(event, BuildEnded):
                built.succeeded, built.problem = event.succeeded, event.message
    return built
