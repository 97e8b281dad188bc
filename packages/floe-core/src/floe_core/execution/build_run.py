"""Build a part of a product: run it, emit and record its events, and give the verdict."""

from __future__ import annotations

import atexit

# Imported first, so that its exit handler, which affects dbt's threads too, runs after ours.
import multiprocessing.util  # noqa: F401
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from functools import partial

from floe_core.dbt.call import DbtEnded, DbtRun
from floe_core.dbt.graph_of_run import with_graph_of_run
from floe_core.dbt.invocation import Invocation
from floe_core.dbt.kept_parse import KeptParse
from floe_core.execution.node_timeouts import NodeTimeouts
from floe_core.execution.partitions.results import PartitionResults
from floe_core.execution.partitions.turn import Turn, sole_builder
from floe_core.execution.prepared_build import PreparedBuild, prepare_build
from floe_core.execution.private_output import (
    Events,
    close_to_others,
    make_private,
    without_secrets,
)
from floe_core.execution.record.journal import Journal
from floe_core.execution.record.past_runs import remove_old_runs
from floe_core.execution.record.verdict import Verdict
from floe_core.execution.reports.build_reports import BuildReports
from floe_core.execution.reports.killed_builds import report_killed_builds
from floe_core.execution.reports.open_build import OpenBuild
from floe_core.execution.reuse.start_builds import BuildStarter
from floe_core.execution.slots_of_build import SlotsOfBuild
from floe_core.execution.start_nodes import start_dbt, start_nodes
from floe_core.execution.warehouse_lock import WarehouseHold, sole_writer
from floe_core.foundation.errors import FloeError, UsageError
from floe_core.runs.build_events import BuildEnded, BuildEvent, NodeLog
from floe_core.runs.build_request import BuildRequest, NodeSlots, ReadConnection
from floe_core.runs.product_redactor import redactor_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.secrets.redactor import Redactor
from floe_core.storage.state_folder import shared_state
from floe_core.warehouse.outside_values import set_outside_values

LOCK_TIMEOUT_SECONDS = 3600.0
PATIENCE_SECONDS = 20.0


def build(
    artifacts: CompiledArtifacts,
    request: BuildRequest,
    node_slots: NodeSlots | None = None,
    read_connection: ReadConnection | None = None,
) -> Generator[BuildEvent, None, None]:
    """Build what a request asks for; yield each event as it happens, and one `BuildEnded` last.

    Nodes that are in a pool wait for `node_slots`; without `node_slots`, they do not wait.
    `read_connection` reads the connection that the product's compute names, if the orchestrator's
    entry point in `floe.connections` does not.

    Every wanted node has a result before the end: a node that was not reached is `skipped`. Closing
    the generator cancels the build and leaves nothing running.

    Raises:
        UsageError: The artifacts come from no folder, or the job or a node is unknown.
        EnvironmentProblemError: dbt or the warehouse is not available, or a value that the profile
            takes from a connection or a file.
    """
    artifacts = artifacts.for_job(request.job)
    report_killed_builds(artifacts, in_build=True)
    under_way = OpenBuild(artifacts, request)
    under_way.begin()
    events = _events(artifacts, request, under_way, SlotsOfBuild(artifacts, node_slots))

    def end() -> None:
        events.close()
        under_way.end()

    # An orchestrator that is interrupted between two events may exit without closing this.
    atexit.register(end)
    try:
        set_outside_values(artifacts.dbt, read_connection, again=True)
        yield from events
    except (FloeError, OSError) as error:
        ended = BuildEnded(succeeded=False, message=str(error))
        # A wrong request is never retried.
        under_way.keep_end(ended, is_final=isinstance(error, UsageError))
        raise
    finally:
        atexit.unregister(end)
        end()
        remove_old_runs(artifacts.folder)


def _events(
    artifacts: CompiledArtifacts, request: BuildRequest, under_way: OpenBuild, slots: SlotsOfBuild
) -> Generator[BuildEvent, None, None]:
    build, folder, tick = prepare_build(artifacts, request), artifacts.folder, request.nominal_time
    under_way.wanted = build.wanted
    with (
        Journal(folder, request.run_id) as journal,
        sole_writer(artifacts.dbt.profile, folder, LOCK_TIMEOUT_SECONDS, tick) as hold,
        sole_builder(build.plan, folder, LOCK_TIMEOUT_SECONDS, tick) as turn,
        closing(slots),
    ):
        call = build.invocation()
        with (
            BuildReports(build, call.target, journal, under_way) as reports,
            closing(_dbts_events(build, call, slots, hold, turn)) as events,
        ):
            yield from _judge(events, build.verdict(), reports, redactor_of(artifacts))


def _judge(
    events: Events, verdict: Verdict, reports: BuildReports, redactor: Redactor
) -> Iterator[BuildEvent]:
    """Yield the build's events, each reported first, then the missing results, and the end.

    A build that is closed, or interrupted by a signal that its host turns into an error here,
    counts as canceled.
    """
    try:
        end = yield from _take_events(events, verdict, reports, redactor)
    except BaseException as broken_off:
        if isinstance(broken_off, Exception):
            raise
        events.close()
        missing = verdict.close_unfinished("canceled")
        reports.conclude_canceled(missing, verdict.conclude(DbtEnded("canceled")))
        raise
    for result in verdict.close_unfinished(end.problem or "not reached"):
        yield reports.receive(result)
    yield from reports.conclude(verdict.conclude(end))


def _take_events(
    events: Events, verdict: Verdict, reports: BuildReports, redactor: Redactor
) -> Generator[BuildEvent, None, DbtEnded]:
    """Yield the events that concern the build; return how dbt ended."""
    for whole in events:
        event = without_secrets(whole, redactor)
        if isinstance(event, DbtEnded):
            return event
        reported = verdict.take(event)
        if reported is not None:
            yield reports.receive(reported)
    return DbtEnded("dbt ended without a result", succeeded=False)


def _dbts_events(
    build: PreparedBuild,
    call: Invocation,
    slots: SlotsOfBuild,
    hold: WarehouseHold,
    turn: Turn,
) -> Events:
    """Yield the events of dbt and of steps, and those that only floe knows."""
    artifacts, request, plan, parse = build.artifacts, build.request, build.plan, KeptParse()
    for problem in (turn.warning, shared_state(artifacts.folder)):
        if problem:
            yield NodeLog("", "warn", problem, is_from_floe=True)
    reuse = BuildStarter(artifacts, request, partial(run_dbt, hold=hold, parse=parse))
    start = partial(
        start_nodes, build, call, parse=parse, reuse=reuse, slots=slots, check_turn=turn.check
    )
    events = _watch(_run(artifacts, call, start, hold), turn, reuse)
    events = with_graph_of_run(events, artifacts, request, call)
    if plan is not None:
        yield from plan.results_if_none_is_due()
        events = PartitionResults(plan).listen(events)
    yield from events


def _watch(events: Events, turn: Turn, reuse: BuildStarter) -> Events:
    """Yield the events of dbt, which is canceled once another build may have taken the turn.

    dbt gets time to end before another build may use the warehouse.
    """
    with closing(events):
        for event in events:
            turn.check()
            reuse.note(event)
            yield event


def run_dbt(
    artifacts: CompiledArtifacts,
    call: Invocation,
    hold: WarehouseHold | None = None,
    parse: KeptParse | None = None,
) -> Generator[BuildEvent | DbtEnded, None, None]:
    """Yield the events of one dbt call; with `hold`, the warehouse is held while dbt writes."""
    start = partial(start_dbt, artifacts, call, parse)
    yield from _run(artifacts, call, start, hold or WarehouseHold())


def _run(
    artifacts: CompiledArtifacts,
    call: Invocation,
    start: Callable[[], DbtRun],
    hold: WarehouseHold,
) -> Generator[BuildEvent | DbtEnded, None, None]:
    """Yield dbt's events until it ends or its time is up."""
    if not call.node_ids:
        yield DbtEnded()
        return
    make_private(call.target)
    run = start()
    has_ended = False
    try:
        for event in _until_the_end(
            _with_timeouts(run, artifacts), artifacts.execution.timeout_seconds
        ):
            has_ended = isinstance(event, DbtEnded)
            yield event
    finally:
        if not has_ended:
            run.cancel()
        if not run.close(PATIENCE_SECONDS):
            hold.keep_until(lambda: run.close(threading.TIMEOUT_MAX))
        close_to_others(call.target)


def _with_timeouts(run: DbtRun, artifacts: CompiledArtifacts) -> NodeTimeouts:
    timeouts = {n.unique_id: n.timeout_seconds for n in artifacts.runnable if n.timeout_seconds}
    return NodeTimeouts(run, timeouts)


def _until_the_end(run: NodeTimeouts, timeout: int | None) -> Iterator[BuildEvent | DbtEnded]:
    """Yield events; when the time is up, cancel and wait a short while for dbt's last events."""
    deadline = time.monotonic() + timeout if timeout else None
    problem = ""
    while True:
        event = run.next_event(None if deadline is None else max(0.0, deadline - time.monotonic()))
        if event is None and problem:
            yield DbtEnded(problem, succeeded=False)
            return
        if event is None:
            problem = f"timed out after {timeout} s"
            run.cancel()
            deadline = time.monotonic() + PATIENCE_SECONDS
        elif isinstance(event, DbtEnded):
            yield DbtEnded(problem or event.problem, event.succeeded and not problem)
            return
        else:
            yield event
