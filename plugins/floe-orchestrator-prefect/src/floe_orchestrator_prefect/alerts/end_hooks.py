"""The hooks of a flow that report how its runs end, and then start the next one.

Prefect calls them in the process of the run or, if that died, in the one that serves the flow.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from prefect.client.schemas.objects import FlowRun, State
from prefect.flows import Flow, FlowStateHook

from floe_core.alerts import parameters_among
from floe_core.execution import has_reported_ends, outcome_of_run, report_outcome
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_core.secrets.references import setting
from floe_orchestrator_prefect.alerts.never_begun import goes_on, may_go_on
from floe_orchestrator_prefect.names.prefect_names import SKIPPED_RUN
from floe_orchestrator_prefect.task.run_request import builds_of
from floe_orchestrator_prefect.ticks.tick_order import start_next

Hook = FlowStateHook[..., Any]


def end_hooks(artifacts: CompiledArtifacts, job: Job) -> list[Hook]:
    """Return the hooks that a flow calls however its runs end."""

    def report(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
        # A process that ends before its run begins is no end of the run.
        if may_go_on(state) and goes_on(artifacts, flow_run):
            return
        report_end(artifacts, job, flow_run, state)

    def start(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
        start_next(flow_run)

    return [report, start] if has_reported_ends(artifacts) else [start]


def report_end(artifacts: CompiledArtifacts, job: Job, run: FlowRun, state: State[Any]) -> None:
    """Report how a run of a job ended, unless it was skipped."""
    if state.name == SKIPPED_RUN:
        return
    builds = builds_of(run)
    succeeded = state.is_completed()
    is_canceled = state.is_cancelled() or state.is_cancelling()
    outcome = outcome_of_run(
        artifacts,
        job.name,
        builds[-1],
        succeeded=succeeded,
        build_ids=builds,
        problem="the run was canceled" if is_canceled else state.message or "",
        nominal_time=_nominal_time(run),
        link=_link(artifacts, run),
        ended_at=state.timestamp,
        parameters=parameters_among(run.parameters),
    )
    report_outcome(artifacts, outcome)


def _nominal_time(run: FlowRun) -> datetime | None:
    given = run.parameters.get("nominal_time")
    if given:
        moment = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    planned = run.expected_start_time if run.auto_scheduled else None
    return planned.astimezone(UTC) if planned else None


def _link(artifacts: CompiledArtifacts, run: FlowRun) -> str:
    """Return the URL of the run's page, "" if the manifest has no URL for Prefect's API."""
    try:
        url = setting(artifacts.orchestrator.config, "url")
    except ValueError:
        return ""
    pages = url.rstrip("/").removesuffix("/api")
    return f"{pages}/runs/flow-run/{run.id}" if url else ""
