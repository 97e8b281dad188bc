"""What a build is to do, once earlier attempts of its run and its partitions are known."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from floe_core.dbt.invocation import Invocation, invocation
from floe_core.dbt.selection import needs_selection
from floe_core.execution.node_selection import enabled_nodes, wanted_nodes
from floe_core.execution.partitions.plan import PartitionPlan, plan_partitions
from floe_core.execution.record.attempt import automatic_attempt
from floe_core.execution.record.journal import RunRecord, record_of
from floe_core.execution.record.verdict import Verdict
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


@dataclass(frozen=True, slots=True)
class PreparedBuild:
    """`wanted` are the nodes that get a result, `todo` those that are built now.

    The `request` says what earlier attempts have settled. `plan` is None without partitions.
    """

    artifacts: CompiledArtifacts
    request: BuildRequest
    wanted: Collection[str]
    todo: tuple[str, ...]
    plan: PartitionPlan | None

    def invocation(self) -> Invocation:
        """Return the dbt call that builds all of it."""
        artifacts, request = self.artifacts, self.request
        narrows = needs_selection(artifacts, self.todo, artifacts.runnable)
        is_selected = narrows and not self._is_default()
        enabled = enabled_nodes(artifacts, request) if is_selected else ()
        return invocation(artifacts, request, self.todo, is_selected=is_selected, enabled=enabled)

    def _is_default(self) -> bool:
        """Return whether dbt's default selector takes these nodes, and so needs no other one.

        It also takes exposures, which dbt lists in its results. The vars of a run may change what
        it takes.
        """
        artifacts, name = self.artifacts, self.artifacts.dbt.default_selector
        own = next((job for job in artifacts.jobs if name and job.selector == name), None)
        if own is None or self.request.parameters.vars:
            return False
        return {*self.todo} == {node.unique_id for node in artifacts.nodes_of(own)}

    def verdict(self) -> Verdict:
        """Return the verdict on it, before its first event."""
        return Verdict(self.wanted, self.request.settled, self.request.unfinished)


def prepare_build(artifacts: CompiledArtifacts, request: BuildRequest) -> PreparedBuild:
    """Return what a request comes to; a `resume` leaves out what has passed before.

    Raises:
        UsageError: A node or a partition is unknown.
    """
    wanted = wanted_nodes(artifacts, request)
    before = record_of(artifacts, request.run_id) if request.resume else RunRecord()
    attempt = automatic_attempt(artifacts, wanted, before)
    request = replace(
        request,
        settled=(*request.settled, *attempt.settled),
        unfinished=(*request.unfinished, *attempt.unfinished),
        held={**request.held, **attempt.held},
    )
    plan = plan_partitions(artifacts, request, attempt, before)
    todo = plan.without_partitions_to_come(attempt.todo) if plan else attempt.todo
    return PreparedBuild(artifacts, request, wanted, todo, plan)
