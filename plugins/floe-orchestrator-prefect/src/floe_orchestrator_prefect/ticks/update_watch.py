"""The thread of a served product that starts flow runs for updates of ports in the ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterIdempotencyKey,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound
from prefect.logging.loggers import get_logger

from floe_core.foundation.errors import FloeError
from floe_core.ports.watch import SECONDS_BETWEEN_LOOKS, look, repeated_key, wait_to_repeat
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_orchestrator_prefect.names.prefect_names import DEPLOYMENT, flow_name
from floe_orchestrator_prefect.service.server_problems import SERVER_PROBLEMS
from floe_orchestrator_prefect.ticks.started_by import run_key

UNFINISHED = [
    StateType.SCHEDULED,
    StateType.PENDING,
    StateType.RUNNING,
    StateType.PAUSED,
    StateType.CANCELLING,
]

# Of the runs for the same updates; they end before they begin to build, hour after hour.
MOST_STARTS = 100

log = get_logger("floe.updates")


def watch_updates(artifacts: CompiledArtifacts) -> threading.Thread | None:
    """Start a thread that watches the ledger, and return it; None if no updates start a job."""
    # A paused one as well: it may be resumed.
    jobs = [job for job in artifacts.jobs if job.trigger is not None]
    if not jobs:
        return None
    watch = UpdateWatch(artifacts, jobs)
    thread = threading.Thread(target=watch.run, name="floe-updates", daemon=True)
    thread.start()
    return thread


class UpdateWatch:
    """Polls the ledger for some jobs, and starts runs that are due.

    If another process serves the same product and polls at the same moment, Prefect creates only
    one run, since both requests have the same idempotency key.
    """

    def __init__(self, artifacts: CompiledArtifacts, jobs: list[Job]) -> None:
        self._artifacts = artifacts
        self._jobs = jobs
        self._problems: dict[str, str] = {}
        self._waits: dict[str, str] = {}

    def run(self) -> None:
        """Poll every few seconds, without end."""
        pause = threading.Event()
        while True:
            for job in self._jobs:
                self.try_to_start(job)
            pause.wait(SECONDS_BETWEEN_LOOKS)

    def try_to_start(self, job: Job) -> None:
        """Start a run of a job if updates are due; log a failed request once."""
        try:
            with get_client(sync_client=True) as client:
                explain = partial(self._explain, job)
                start_if_due(client, self._artifacts, job, datetime.now(UTC), explain)
        except FloeError as error:
            self._note(job, f"the ledger of ports cannot be read: {error}")
        except ObjectNotFound:
            # It is registered while the first look is taken.
            is_first = job.name not in self._problems
            self._note(job, "" if is_first else "Prefect's server has no deployment of it")
        except SERVER_PROBLEMS as error:
            self._note(job, f"Prefect's server does not answer: {error or type(error).__name__}")
        else:
            if self._problems.pop(job.name, ""):
                log.info("%s: updates of ports are looked for again", job.name)

    def _note(self, job: Job, problem: str) -> None:
        if problem and problem != self._problems.get(job.name):
            log.warning("%s: %s", job.name, problem)
        self._problems[job.name] = problem

    def _explain(self, job: Job, why: str) -> None:
        if why != self._waits.get(job.name):
            log.info("%s: %s", job.name, why)
        self._waits[job.name] = why


def start_if_due(
    client: SyncPrefectClient,
    artifacts: CompiledArtifacts,
    job: Job,
    now: datetime,
    explain: Callable[[str], None] = log.info,
) -> UUID | None:
    """Start a run of a job's deployment if updates of ports do so now; return the run's id.

    A paused job or deployment starts no run: updates that come meanwhile start one afterwards.
    `explain` is called with the reason if Prefect holds back a run for updates: its deployment is
    paused, or a run for the same updates has ended, and no other one starts yet.

    Raises:
        EnvironmentProblemError: The ledger cannot be read.
        ObjectNotFound: There is no such deployment yet.
    """
    deployment = client.read_deployment_by_name(f"{flow_name(artifacts, job)}/{DEPLOYMENT}")
    is_held = deployment.paused or has_run(client, deployment.id, now)
    decision = look(artifacts, job.name, now, is_running=is_held)
    if deployment.paused and decision.updates:
        explain(f"{decision.key}: the deployment is paused in Prefect")
    if decision.action != "run":
        return None
    keys = [run_key(job.name, repeated_key(decision.key, ended)) for ended in range(MOST_STARTS)]
    started = runs_with(client, deployment.id, keys)
    if why := _why_not_again(started, now):
        explain(f"{decision.key}: {why}")
        return None
    key = keys[len(started)]
    period = {"partitions": decision.period} if decision.period else None
    run = client.create_flow_run_from_deployment(
        deployment.id, parameters=period, idempotency_key=key, tags=decision.ports
    )
    log.info("%s: flow run %s started by %s", job.name, run.name, decision.key)
    return run.id


def _why_not_again(started: list[FlowRun], now: datetime) -> str:
    """Return why no run follows these, which did not begin to build; "" if one does."""
    if len(started) >= MOST_STARTS:
        return f"{MOST_STARTS} flow runs ended before they began to build; start one by hand"
    for run in started:
        if run.state is None or not run.state.is_final():
            return f"flow run {run.name} has not begun"
        if not has_waited(run, len(started), now):
            wait = wait_to_repeat(len(started)).total_seconds()
            what = f"flow run {run.name} ended before it began to build"
            return f"{what}; the next one starts {wait:.0f} s later"
    return ""


def has_waited(run: FlowRun, started: int, now: datetime) -> bool:
    """Return whether the next run may start after this one, which did not begin to build."""
    if run.state is None or not run.state.is_final():
        return False
    return now >= run.state.timestamp + wait_to_repeat(started)


def runs_with(client: SyncPrefectClient, deployment_id: UUID, keys: list[str]) -> list[FlowRun]:
    """Return the runs of a deployment that were started with these keys, however they ended."""
    wanted = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(any_=[deployment_id]),
        idempotency_key=FlowRunFilterIdempotencyKey(any_=keys),
    )
    return client.read_flow_runs(flow_run_filter=wanted)


def has_run(client: SyncPrefectClient, deployment_id: UUID, now: datetime) -> bool:
    """Return whether a run of a deployment is in progress or due, ignoring later scheduled ones."""
    wanted = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(any_=[deployment_id]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=UNFINISHED)),
        expected_start_time=FlowRunFilterExpectedStartTime.model_validate({"before_": now}),
    )
    return bool(client.read_flow_runs(flow_run_filter=wanted, limit=1))
