"""The conformance kit on Prefect: what its objects hold, and what its own server recorded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.assets import Asset
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.exceptions import Abort
from prefect.flow_engine import run_flow
from prefect.server.schemas.schedules import CronSchedule
from prefect.settings import PREFECT_API_URL
from prefect.states import Scheduled
from prefect.tasks import MaterializingTask, Task
from running_prefect import RunningPrefect

from floe_conformance import (
    SECRET_VARIABLE,
    LoadedJob,
    LoadedProduct,
    LoadedTransform,
    OrchestratorConformance,
    RanProduct,
    Ticks,
)
from floe_core.runs.run_parameters import RunParameters
from floe_core.schedules import next_tick
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Schedule
from floe_orchestrator_prefect import PrefectPlugin
from floe_orchestrator_prefect.alerts.deadline_watch import look_once
from floe_orchestrator_prefect.flow.product_flows import ProductFlows
from floe_orchestrator_prefect.ticks.due_tick import reason_against


class TestPrefectConformance(OrchestratorConformance):
    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _prefect(cls) -> Iterator[None]:
        """One real server of Prefect's own for the runs; the looks need none."""
        # It imports Prefect's server, which no other process needs to collect the tests.
        from prefect.testing.utilities import prefect_test_harness

        with prefect_test_harness(server_startup_timeout=120):
            yield

    def plugin(self) -> PrefectPlugin:
        return PrefectPlugin()

    def connection_settings(self, url: str) -> Mapping[str, Any]:
        return {"url": f"{url}/api", "api_key": f"env:{SECRET_VARIABLE}"}

    def look_at(self, definitions: ProductFlows, project_dir: Path) -> LoadedProduct:
        tasks = [task for of_job in definitions.tasks.values() for task in of_job.values()]
        upstream = {task.name: names(task.asset_deps) for task in tasks}
        others = frozenset().union(*upstream.values()) - upstream.keys()
        deployments = zip(definitions.flows, definitions.deployments(), strict=True)
        return LoadedProduct(
            {**upstream, **{name: frozenset[str]() for name in others}},
            {
                job: LoadedJob(
                    frozenset(task.name for task in definitions.tasks[job].values()),
                    ticks_of([s.schedule for s in deployment.schedules or () if s.active]),
                    catches_up=runs_late_ticks(definitions.artifacts.job(job).schedule),
                )
                for job, deployment in deployments
            },
        )

    def run(self, definitions: ProductFlows, project_dir: Path) -> RanProduct:
        state = definitions.flows["corner-shop"](return_state=True)
        return recorded(definitions, state.state_details.flow_run_id)

    def run_with(
        self, definitions: ProductFlows, project_dir: Path, parameters: RunParameters
    ) -> RanProduct:
        state = definitions.flows["corner-shop"](**parameters.as_given(), return_state=True)
        return recorded(definitions, state.state_details.flow_run_id)

    def run_for_tick(
        self, definitions: ProductFlows, project_dir: Path, tick: datetime
    ) -> RanProduct:
        """As a process that serves the flow does with a run that the server has for the tick."""
        deployments = dict(zip(definitions.flows, definitions.deployments(), strict=True))
        with get_client(sync_client=True) as client:
            of_tick = client.create_flow_run_from_deployment(
                UUID(str(deployments["corner-shop"].apply())),
                parameters={"nominal_time": tick.isoformat()},
                state=Scheduled(scheduled_time=tick),
                idempotency_key=f"floe-tick-{tick.isoformat()}",
            )
        # A run that is skipped is aborted.
        with suppress(Abort):
            run_flow(
                definitions.flows["corner-shop"], of_tick, of_tick.parameters, return_type="state"
            )
        return recorded(definitions, of_tick.id)

    def check_deadlines(self, definitions: ProductFlows, project_dir: Path) -> None:
        """By what the thread of a served flow does."""
        look_once(CompiledArtifacts.load(project_dir))

    def run_in_pool(
        self, definitions: ProductFlows, project_dir: Path, pool: str, slots: int
    ) -> int:
        limit = GlobalConcurrencyLimitCreate(name=pool, limit=slots)
        with get_client(sync_client=True) as client:
            client.create_global_concurrency_limit(limit)
            definitions.flows["corner-shop"](return_state=True)
            return client.read_global_concurrency_limit_by_name(pool).active_slots

    def run_and_cancel(
        self, definitions: ProductFlows, project_dir: Path, it_hangs: Callable[[], bool]
    ) -> RanProduct:
        """As in Prefect's pages, of a run that `flow.py` serves."""
        prefect = RunningPrefect(project_dir.parent, PREFECT_API_URL.value())
        with prefect.serving(project_dir):
            run_id = prefect.trigger("corner-shop/floe")
            while not it_hangs():
                time.sleep(0.2)
            prefect.cancel(run_id)
            prefect.ended(run_id)
        return recorded(definitions, UUID(run_id))

    def look_at_transforms(self, assets: Sequence[Task[..., Any]]) -> list[LoadedTransform]:
        assert all(isinstance(task, MaterializingTask) for task in assets)
        return [LoadedTransform(task.name, names(task.asset_deps)) for task in assets]


def recorded(definitions: ProductFlows, run_id: UUID) -> RanProduct:
    """Return what the server has of a run."""
    chosen = FlowRunFilter(id=FlowRunFilterId(any_=[run_id]))
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(run_id).state
        runs = client.read_task_runs(flow_run_filter=chosen)
    done = {run.name for run in runs if run.state and run.state.is_completed()}
    known = {task.name for task in definitions.tasks["corner-shop"].values()}
    return RanProduct(bool(state and state.is_completed()), frozenset(done & known))


def names(assets: Iterable[Asset]) -> frozenset[str]:
    return frozenset(asset.key.rpartition("/")[2] for asset in assets)


def runs_late_ticks(schedule: Schedule | None) -> bool | None:
    """Return whether a flow run goes on that gets its slot after the next tick."""
    if schedule is None or not schedule.enabled:
        return None
    tick = next_tick(schedule.cron, schedule.timezone, datetime.now(UTC))
    return not reason_against(schedule, tick, tick + timedelta(days=9))


def ticks_of(schedules: Sequence[Any]) -> Ticks | None:
    """Ask the server's own code for page after page, as its scheduler does."""

    def ticks(start: datetime) -> Iterator[datetime]:
        [cron] = schedules
        asked = CronSchedule(cron=cron.cron, timezone=cron.timezone)
        while True:
            page = asyncio.run(asked.get_dates(n=20, start=start))
            yield from (datetime.fromtimestamp(moment.timestamp(), UTC) for moment in page)
            start = page[-1] + timedelta(seconds=1)

    return ticks if schedules else None
