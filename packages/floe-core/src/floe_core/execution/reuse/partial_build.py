"""Leave out of a build the nodes that it would not change, and store what it builds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from floe_core.dbt.compiled_code import RunDbt, codes_in
from floe_core.dbt.invocation import invocation
from floe_core.execution.reuse.claim import begin, release, remember
from floe_core.execution.reuse.gate import (
    NodeGate,
    RelationsInRun,
    ReportedInOrder,
    result_of_reused,
)
from floe_core.execution.reuse.planned_build import PlannedBuild, plan_build, read_facts, why_not
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.lineage.naming import run_id_of_node
from floe_core.reuse.live_plan import LivePlan
from floe_core.reuse.outcome import outcome_of
from floe_core.reuse.situation import Decision
from floe_core.reuse.state import Entry, pack_code
from floe_core.reuse.state_store import StateStore, store_of
from floe_core.runs.build_events import BuildEvent, NodeLog, NodeResult
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

# A test that warned runs again, so that its warning is shown again.
GREEN = frozenset({"success", "pass"})


# Names in a warning.
_SHOWN = 5


class PartialBuild:
    """A build that reuses relations. `todo` are the ids of the nodes for dbt to build, sorted."""

    def __init__(self, planned: PlannedBuild, request: BuildRequest, store: StateStore) -> None:
        self._planned = planned
        self._request = request
        self._store = store
        self._ended: dict[str, NodeResult] = {}
        self._is_announced = False
        self.gate = _gate_of(planned)
        decided = planned.decisions.items()
        self.todo = tuple(sorted(i for i, each in decided if each.action == "build"))
        reused = {i: result_of_reused(i, e) for i, e in decided if e.action == "reuse"}
        self._reused = ReportedInOrder(planned.situation.artifacts, self.todo, reused)

    def announce(self) -> None:
        """Record that the build is under way, if it has anything to build or to store.

        Raises:
            EnvironmentProblemError: The store cannot be written.
        """
        if self.todo or self._entries_compiled_anew():
            begin(self._store, self._planned, self.todo)
            self._is_announced = True

    def release(self) -> None:
        """Record that the build is over; if the store is gone, the build counts as dead in time."""
        self._close_gate()
        if self._is_announced:
            with suppress(EnvironmentProblemError):
                release(self._store, self._planned)

    def begin(self) -> Iterator[BuildEvent]:
        """Yield the results of reused nodes that wait for no other."""
        if self._planned.problem:
            yield NodeLog("", "warn", f"reuse: {self._planned.problem}", is_from_floe=True)
        yield from self._reused.begin()

    def follow(self, result: NodeResult) -> Iterator[BuildEvent]:
        """Yield the results of reused nodes that the end of a built node decides."""
        yield from self._reused.receive(result)

    def _close_gate(self) -> None:
        if self.gate is not None:
            self.gate.close()

    @property
    def _decisions(self) -> Mapping[str, Decision]:
        """The decisions made before the build, or so far during it."""
        return self._planned.decisions if self.gate is None else self.gate.decisions

    def finish(self, *, succeeded: bool) -> Iterator[BuildEvent]:
        """Yield what is left, and store what was built, now that dbt released the warehouse."""
        self._close_gate()
        if succeeded:
            yield from self._reused.finish()
        if problem := self._remember():
            yield NodeLog("", "warn", f"reuse: {problem}", is_from_floe=True)

    def _remember(self) -> str:
        """Store what was built; return what went wrong, "" for nothing."""
        given = self._planned.situation
        green = self._green()
        compiled = self._entries_compiled_anew()
        if not self.todo and not compiled:
            return ""
        facts = read_facts(given.artifacts, green)
        if facts.problem:
            return f"{facts.problem}, so what was built is not remembered"
        outcome = outcome_of(given, self._decisions, green, facts.relations)
        before = given.state.entries
        never_begun = (i for i, each in self._ended.items() if each.status == "skipped")
        kept = {node_id: before[node_id] for node_id in never_begun if node_id in before}
        kept |= self._entries_left_out(outcome.doubtful)
        try:
            built = {node_id: self._with_run(node_id, e) for node_id, e in outcome.entries.items()}
            known = {**compiled, **kept, **built}
            if known:
                known |= self._reported_entries()
            if known or outcome.doubtful:
                remember(self._store, self._planned, known, outcome.doubtful)
                self._is_announced = False
        except EnvironmentProblemError as error:
            return str(error)
        return self._tell_doubt(outcome.doubtful)

    def _tell_doubt(self, node_ids: Collection[str]) -> str:
        """Return which nodes should not have been reused, "" for none."""
        labels = [self._planned.situation.artifacts.by_id[i].label for i in sorted(node_ids)]
        if not labels:
            return ""
        more = f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else ""
        return (
            f"reused, but what they read came to other rows than its code and inputs explain: "
            f"{', '.join(labels[:_SHOWN])}{more}. The next run builds them"
        )

    def receive(self, result: NodeResult) -> NodeResult:
        """Keep a result for the end; return it with the version of the relation that was built."""
        decision = self._decisions.get(result.unique_id)
        if decision is None:
            return result
        if result.status == "success":
            result = replace(result, data_version=decision.entry.versions.of_all)
        self._ended[result.unique_id] = result
        return result

    def _entries_left_out(self, doubtful: Collection[str]) -> dict[str, Entry]:
        """Return the earlier entries of nodes that were planned to build but reused in the end."""
        reused = (i for i, each in self._ended.items() if each.status == "reused")
        before = self._planned.situation.state.entries
        return {i: self._with_code(i, before[i]) for i in reused if i not in doubtful}

    def _with_run(self, node_id: str, entry: Entry) -> Entry:
        """Return an entry with the node's code and the id of its run in lineage."""
        artifacts = self._planned.situation.artifacts
        names = (artifacts.lineage.namespace, artifacts.product.name)
        run_id = run_id_of_node(*names, self._request, node_id)
        return self._with_code(node_id, replace(entry, lineage_run_id=run_id))

    def _with_code(self, node_id: str, entry: Entry) -> Entry:
        """Return an entry with a node's code; dbt compiles code with a secret each time."""
        code = self._planned.code_of(node_id)
        is_whole = code == self._planned.situation.codes.get(node_id)
        key = self._planned.keys.get(node_id, "") if is_whole else ""
        return replace(entry, code=pack_code(code), rendering=key)

    def _entries_compiled_anew(self) -> dict[str, Entry]:
        """Return the reused nodes that dbt had to compile, with the keys of their code.

        Code with a secret has no key, and is left out.
        """
        known = {
            node_id: (each.entry, self._with_code(node_id, each.entry))
            for node_id, each in self._planned.decisions.items()
            if each.action == "reuse"
            and each.entry.rendering != self._planned.keys.get(node_id, "")
        }
        return {node_id: now for node_id, (before, now) in known.items() if now != before}

    def _reported_entries(self) -> dict[str, Entry]:
        """Return the sources that steps have just written, for `floe plan` before the next run."""
        run_id, reported = self._planned.situation.run_id, self._planned.reported
        return {i: Entry(run_id, {}, versions=versions) for i, versions in reported.items()}

    def _green(self) -> dict[str, float]:
        """Return node id -> seconds, for the nodes that ended green and match the plan.

        A node that dbt compiled to other code for the build than for the plan is left out, unless
        it is never reused, as a microbatch model, whose code is that of a batch. Unit tests are not
        compiled for a plan, and follow their model.
        """
        given = self._planned.situation
        by_id = given.artifacts.by_id
        call = invocation(given.artifacts, self._request, (), is_selected=False)
        built = codes_in(call.target)
        return {
            node_id: result.seconds
            for node_id, result in self._ended.items()
            if result.status in GREEN
            and (
                node_id.startswith("unit_test.")
                or by_id[node_id].reuse.never
                or built.get(node_id) == given.codes.get(node_id)
            )
        }


def begin_build(
    artifacts: CompiledArtifacts,
    request: BuildRequest,
    node_ids: tuple[str, ...],
    run_dbt: RunDbt,
    words: Mapping[str, str] | None = None,
) -> PartialBuild | str:
    """Plan a build of these nodes, and record in the store that it is under way.

    `words` is source id -> the version reported by the step that wrote it.

    If nothing can be reused or stored, returns the reason.
    """
    if refused := why_not(artifacts):
        return refused
    store = store_of(artifacts)
    try:
        planned = plan_build(artifacts, request, node_ids, store, run_dbt, words)
        build = PartialBuild(planned, request, store)
        build.announce()
    except EnvironmentProblemError as error:
        return str(error)
    return build


def _gate_of(planned: PlannedBuild) -> NodeGate | None:
    """Return the gate that decides during the build, None if all is decided before it."""
    if not any(each.waits_for for each in planned.decisions.values()):
        return None
    situation = planned.situation
    return NodeGate(LivePlan(situation, planned.decisions), RelationsInRun(situation.artifacts))
