"""Start the nodes of a build: one dbt call, or several with steps and checks between them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from floe_core.dbt.call import DbtRun
from floe_core.dbt.invocation import Invocation, freshness_invocation, invocation
from floe_core.dbt.kept_parse import KeptParse
from floe_core.dbt.selection import needs_selection
from floe_core.execution.freshness_run import FreshnessRun
from floe_core.execution.prepared_build import PreparedBuild
from floe_core.execution.private_output import make_private
from floe_core.execution.reuse.start_builds import BuildStarter
from floe_core.execution.segmented_run import SegmentedRun
from floe_core.execution.segments import Segment, cut_into_segments, with_tests_last
from floe_core.execution.slots_of_build import SlotsOfBuild
from floe_core.execution.steps.call import step_call
from floe_core.execution.steps.process import StepNotStarted, StepProcess, WaitingStep
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.runs.build_request import BuildRequest
from floe_core.runs.dbt_files import keep_results
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import source_name

if TYPE_CHECKING:
    from floe_core.dbt.call import Gate


def start_nodes(
    build: PreparedBuild,
    call: Invocation,
    *,
    parse: KeptParse,
    reuse: BuildStarter,
    slots: SlotsOfBuild,
    check_turn: Callable[[], None],
) -> DbtRun:
    """Return the run of the nodes: one dbt call, or several with steps between them.

    The nodes of the plan have a call of their own for each of its partitions, before which
    `check_turn` is called.
    """
    artifacts, whole, plan = build.artifacts, build.request, build.plan
    cut = with_tests_last if artifacts.tests_last else cut_into_segments
    segments = plan.segments(call.node_ids, cut) if plan else cut(artifacts, call.node_ids)

    def start(segment: Segment) -> DbtRun:
        if plan is None or not segment.partitions:
            return start_segment(segment, whole)
        check_turn()
        part = plan.request_for(whole, segment.partitions)
        if segment.kind == "build":
            # A run says which partitions to build, and reuses none of them.
            return start_part(part, segment.node_ids, None)
        return start_segment(segment, part)

    def start_segment(segment: Segment, request: BuildRequest) -> DbtRun:
        if segment.kind == "step":
            (node_id,) = segment.node_ids
            begin = partial(_start_step, artifacts, request, node_id)
            return WaitingStep(node_id, slots, begin) if slots.concerns(node_id) else begin()
        if segment.kind == "freshness":
            return _start_freshness(artifacts, request, segment.node_ids)
        return reuse.start(segment.node_ids, partial(start_part, request))

    def start_part(request: BuildRequest, node_ids: tuple[str, ...], gate: Gate | None) -> DbtRun:
        built = call
        if node_ids != call.node_ids or request is not whole:
            is_selected = needs_selection(artifacts, node_ids, artifacts.built)
            built = invocation(artifacts, request, node_ids, is_selected=is_selected)
        keep_results(artifacts, built.target)
        return start_dbt(artifacts, built, parse, slots, gate)

    if len(segments) == 1 and segments[0].kind == "build" and not segments[0].partitions:
        return reuse.start(call.node_ids, partial(start_part, whole))
    return SegmentedRun(artifacts, segments, start, artifacts.execution.step_threads)


def _start_freshness(
    artifacts: CompiledArtifacts, request: BuildRequest, node_ids: tuple[str, ...]
) -> DbtRun:
    call = freshness_invocation(artifacts, request, node_ids)
    make_private(call.target)
    keep_results(artifacts, call.target)
    return FreshnessRun(artifacts, node_ids, start_dbt(artifacts, call), call.target)


def _start_step(artifacts: CompiledArtifacts, request: BuildRequest, node_id: str) -> DbtRun:
    step = artifacts.steps_by_id[node_id]
    writes = [*step.datasets, *(source_name(artifacts.by_id[i]) for i in step.sources)]
    try:
        return StepProcess(step_call(artifacts, request, step), writes)
    except EnvironmentProblemError as error:
        return StepNotStarted(node_id, str(error))


def start_dbt(
    artifacts: CompiledArtifacts,
    call: Invocation,
    parse: KeptParse | None = None,
    slots: SlotsOfBuild | None = None,
    gate: Gate | None = None,
) -> DbtRun:
    """Start one dbt call: the product's own dbt, or in this process the one beside floe.

    The `gate` works only with the latter.

    Raises:
        EnvironmentProblemError: dbt is not installed.
    """
    if call.call.executable:
        from floe_core.dbt.program import DbtProcess

        return DbtProcess(call)
    from floe_core.dbt.in_process import ThreadedDbt

    return ThreadedDbt(call, artifacts.dbt.version, parse, slots, gate)
