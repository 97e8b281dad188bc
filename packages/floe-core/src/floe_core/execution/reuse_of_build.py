"""Whether a build leaves out what stands; what that takes is imported only where it does."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from floe_core.build_events import BuildEvent, NodeLog
from floe_core.build_request import BuildRequest
from floe_core.execution.dbt_run import DbtEnded
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

if TYPE_CHECKING:
    from floe_core.execution.compiled_code import RunDbt
    from floe_core.execution.reusing_build import ReusingBuild

Events = Generator[BuildEvent | DbtEnded, None, None]


@contextmanager
def reuse_of_build(
    artifacts: CompiledArtifacts,
    request: BuildRequest,
    node_ids: tuple[str, ...],
    run_dbt: RunDbt,
) -> Iterator[ReusingBuild | WholeBuild]:
    """Give what of these nodes is to be built, by `execution.reuse` of the product."""
    if artifacts.execution.reuse == "off" or not node_ids:
        yield WholeBuild(node_ids)
        return
    if request.parameters.empty:
        yield WholeBuild(node_ids, "nothing, since --empty makes tables without rows")
        return
    from floe_core.execution.reusing_build import begin_build

    begun = begin_build(artifacts, request, node_ids, run_dbt)
    if isinstance(begun, str):
        yield WholeBuild(node_ids, begun)
        return
    try:
        yield begun
    finally:
        begun.release()


class WholeBuild:
    """A build of all of its nodes, of which nothing is remembered; `why` is for a person."""

    def __init__(self, todo: tuple[str, ...], why: str = "") -> None:
        self.todo = todo
        self._why = why

    def around(self, events: Events) -> Events:
        """Yield why nothing is reused, if anybody asked for it, then dbt's events as they are."""
        if self._why:
            yield NodeLog("", "warn", f"reuse: {self._why}")
        yield from events
