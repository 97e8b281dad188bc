"""The conformance kit on Prefect: what its objects hold, and what its own server recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.assets import Asset
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.server.schemas.schedules import CronSchedule
from prefect.tasks import MaterializingTask, Task
from prefect.testing.utilities import prefect_test_harness

from floe_conformance import (
    SECRET_VARIABLE,
    LoadedJob,
    LoadedProduct,
    LoadedTransform,
    OrchestratorConformance,
    RanProduct,
    Ticks,
)
from floe_orchestrator_prefect import PrefectPlugin
from floe_orchestrator_prefect.product_flows import ProductFlows


class TestPrefectConformance(OrchestratorConformance):
    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _prefect(cls) -> Iterator[None]:
        """One real server of Prefect's own for the runs; the looks need none."""
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
                )
                for job, deployment in deployments
            },
        )

    def run(self, definitions: ProductFlows, project_dir: Path) -> RanProduct:
        state = definitions.flows["corner-shop"](return_state=True)
        run_id = FlowRunFilterId(any_=[state.state_details.flow_run_id])
        with get_client(sync_client=True) as client:
            recorded = client.read_flow_run(state.state_details.flow_run_id).state
            runs = client.read_task_runs(flow_run_filter=FlowRunFilter(id=run_id))
        done = {run.name for run in runs if run.state and run.state.is_completed()}
        known = {task.name for task in definitions.tasks["corner-shop"].values()}
        return RanProduct(bool(recorded and recorded.is_completed()), frozenset(done & known))

    def look_at_transforms(self, assets: Sequence[Task[..., Any]]) -> list[LoadedTransform]:
        assert all(isinstance(task, MaterializingTask) for task in assets)
        return [LoadedTransform(task.name, names(task.asset_deps)) for task in assets]


def names(assets: Iterable[Asset]) -> frozenset[str]:
    return frozenset(asset.key.rpartition("/")[2] for asset in assets)


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
