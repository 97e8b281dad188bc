"""Start dbt builds with or without reuse; the code for reuse is imported only if it is on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from floe_core.dbt.call import DbtEnded, DbtRun, StartDbt
from floe_core.foundation.garbage_collection import seldom_collecting
from floe_core.runs.build_events import BuildEvent, NodeResult
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import source_name

if TYPE_CHECKING:
    from floe_core.dbt.compiled_code import RunDbt
    from floe_core.execution.reuse.partial_build import PartialBuild
    from floe_core.execution.reuse.partial_run import WholeBuild


@dataclass(frozen=True)
class BuildStarter:
    """Reuse in a run, according to `execution.reuse` of the product.

    What steps write is known only once they have run, so each dbt build is planned when it
    starts.
    """

    _artifacts: CompiledArtifacts
    _request: BuildRequest
    _run_dbt: RunDbt
    _words: dict[str, str] = field(default_factory=dict)

    def start(self, node_ids: tuple[str, ...], start_dbt: StartDbt) -> DbtRun:
        """Start one dbt build in the run, of the nodes that are not reused.

        Raises:
            EnvironmentProblemError: dbt is not installed.
        """
        if self._artifacts.execution.reuse == "off" or not node_ids:
            return start_dbt(node_ids, None)
        from floe_core.execution.reuse.partial_run import PartialRun

        return PartialRun(self._plan(node_ids), start_dbt)

    def _plan(self, node_ids: tuple[str, ...]) -> PartialBuild | WholeBuild:
        from floe_core.execution.reuse.partial_run import WholeBuild

        if self._request.parameters.empty:
            return WholeBuild(node_ids, "nothing, since --empty makes tables without rows")
        from floe_core.execution.reuse.partial_build import begin_build

        with seldom_collecting():
            given = (self._artifacts, self._request, node_ids, self._run_dbt)
            begun = begin_build(*given, {**self._words})
        return WholeBuild(node_ids, begun) if isinstance(begun, str) else begun

    def note(self, event: BuildEvent | DbtEnded) -> None:
        """Keep what a step reports about its datasets; called with each event of the run."""
        if not (isinstance(event, NodeResult) and event.datasets and event.passed):
            return
        step = self._artifacts.steps_by_id[event.unique_id]
        versions = {fact.dataset: fact.version for fact in event.datasets}
        for source in step.sources:
            if version := versions.get(source_name(self._artifacts.by_id[source])):
                self._words[source] = version
