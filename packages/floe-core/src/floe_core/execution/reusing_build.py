"""Leave out of a build what stands as it would make it, and remember what it makes."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from dataclasses import replace

from floe_core.build_events import BuildEvent, NodeLog, NodeResult, ReusedBuild
from floe_core.build_request import BuildRequest
from floe_core.errors import EnvironmentProblemError
from floe_core.execution.build_claim import begin, release, remember
from floe_core.execution.compiled_code import RunDbt, codes_in
from floe_core.execution.dbt_run import DbtEnded
from floe_core.execution.invocation import invocation
from floe_core.execution.planned_build import PlannedBuild, plan_build, read_facts, why_not
from floe_core.lineage.run_ids import run_id_of_node
from floe_core.reuse.outcome import outcome_of
from floe_core.reuse.state import Entry
from floe_core.reuse.state_store import StateStore, store_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

# A test that warned is run again, so that its warning is seen again.
GREEN = frozenset({"success", "pass"})
Events = Generator[BuildEvent | DbtEnded, None, None]


class ReusingBuild:
    """A build that leaves out what stands. `todo` are the ids of what dbt is to build, sorted."""

    def __init__(self, planned: PlannedBuild, request: BuildRequest, store: StateStore) -> None:
        self._planned = planned
        self._request = request
        self._store = store
        self._ended: dict[str, NodeResult] = {}
        decided = planned.decisions.items()
        self.todo = tuple(sorted(i for i, each in decided if each.action == "build"))

    def around(self, events: Events) -> Events:
        """Yield what is reused, then dbt's events; before its end, remember what it built."""
        end: DbtEnded | None = None
        yield from self._told()
        with closing(events):
            for event in events:
                if isinstance(event, DbtEnded):
                    end = event
                    continue
                yield self._received(event) if isinstance(event, NodeResult) else event
        # By now dbt has let go of the warehouse.
        if problem := self._remember():
            yield NodeLog("", "warn", f"reuse: {problem}")
        if end is not None:
            yield end

    def release(self) -> None:
        """Say that the build is over; a store that is gone by now takes it for dead in time."""
        with suppress(EnvironmentProblemError):
            release(self._store, self._planned)

    def _told(self) -> Iterator[BuildEvent]:
        if self._planned.problem:
            yield NodeLog("", "warn", f"reuse: {self._planned.problem}")
        for node_id, decision in self._planned.decisions.items():
            if decision.action == "reuse":
                entry = decision.entry
                message = f"reused: it stands as run {entry.run_id} left it"
                reused = ReusedBuild(entry.run_id, entry.lineage_run_id, entry.seconds)
                yield NodeResult(node_id, "reused", message=message, reused=reused)

    def _remember(self) -> str:
        """Write down what was built; return what kept that from being done, "" for nothing."""
        given = self._planned.situation
        green = self._green()
        facts = read_facts(given.artifacts, green)
        if facts.problem:
            return f"{facts.problem}, so what was built is not remembered"
        outcome = outcome_of(given, self._planned.decisions, green, facts.standing)
        before = given.state.entries
        never_begun = (i for i, each in self._ended.items() if each.status == "skipped")
        kept = {node_id: before[node_id] for node_id in never_begun if node_id in before}
        try:
            built = {node_id: self._named(node_id, e) for node_id, e in outcome.entries.items()}
            remember(self._store, self._planned, {**kept, **built}, outcome.doubtful)
        except EnvironmentProblemError as error:
            return str(error)
        return ""

    def _received(self, result: NodeResult) -> NodeResult:
        """Keep a result for the end; return it with the version of what was built."""
        decision = self._planned.decisions.get(result.unique_id)
        if decision is None:
            return result
        if result.status == "success":
            result = replace(result, data_version=decision.entry.versions.of_all)
        self._ended[result.unique_id] = result
        return result

    def _named(self, node_id: str, entry: Entry) -> Entry:
        """Return an entry with the id that the node's run has in lineage."""
        artifacts = self._planned.situation.artifacts
        names = (artifacts.lineage.namespace, artifacts.product.name)
        return replace(entry, lineage_run_id=run_id_of_node(*names, self._request, node_id))

    def _green(self) -> dict[str, float]:
        """Return node id -> seconds of what ended green and is what was planned.

        A node that dbt compiled to something else for the build than for the plan is in doubt.
        """
        given = self._planned.situation
        call = invocation(given.artifacts, self._request, given.artifacts.folder, (), True)
        built = codes_in(call.target)
        return {
            node_id: result.seconds
            for node_id, result in self._ended.items()
            if result.status in GREEN and built.get(node_id) == given.codes.get(node_id)
        }


def begin_build(
    artifacts: CompiledArtifacts,
    request: BuildRequest,
    node_ids: tuple[str, ...],
    run_dbt: RunDbt,
) -> ReusingBuild | str:
    """Plan a build of these nodes, and say in the store that it is under way.

    Returns why nothing can be reused or remembered, where that is so.
    """
    if refused := why_not(artifacts):
        return refused
    store = store_of(artifacts.product.name, artifacts.folder)
    try:
        planned = plan_build(artifacts, request, node_ids, store, run_dbt)
        build = ReusingBuild(planned, request, store)
        begin(store, planned, build.todo)
    except EnvironmentProblemError as error:
        return str(error)
    return build
