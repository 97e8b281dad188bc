"""The conformance kit on Dagster: what its own repository holds of the product."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator
from schedule_records import ScheduleRecords, run_in_location

from floe_conformance import (
    SECRET_VARIABLE,
    LoadedJob,
    LoadedProduct,
    LoadedTransform,
    OrchestratorConformance,
    RanProduct,
    Ticks,
)
from floe_core.plugin_api.powers import RunOptions
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster import DagsterPlugin

BUILT = dg.DagsterEventType.ASSET_MATERIALIZATION
CHECKED = dg.DagsterEventType.ASSET_CHECK_EVALUATION


class TestDagsterConformance(OrchestratorConformance):
    def plugin(self) -> DagsterPlugin:
        return DagsterPlugin()

    def connection_settings(self, url: str) -> Mapping[str, Any]:
        return {"url": url, "token": f"env:{SECRET_VARIABLE}"}

    def look_at(self, definitions: dg.Definitions, project_dir: Path) -> LoadedProduct:
        repository = definitions.get_repository_def()
        graph = repository.asset_graph
        keys = [*graph.get_all_asset_keys(), *graph.asset_check_keys]
        upstream = {name(key): names(graph.get(key).parent_entity_keys) for key in keys}
        schedules = {schedule.job_name: schedule for schedule in repository.schedule_defs}
        jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
        return LoadedProduct(
            upstream, {job.tags["floe/job"]: loaded(job, schedules.get(job.name)) for job in jobs}
        )

    def run(self, definitions: dg.Definitions, project_dir: Path) -> RanProduct:
        return self.run_with(definitions, project_dir, RunParameters())

    def run_with(
        self, definitions: dg.Definitions, project_dir: Path, parameters: RunParameters
    ) -> RanProduct:
        job = definitions.resolve_job_def("corner_shop")
        config = {"ops": {"corner_shop__dbt_build": {"config": parameters.as_given()}}}
        with dg.DagsterInstance.ephemeral() as instance:
            result = job.execute_in_process(
                run_config=config, raise_on_error=False, instance=instance
            )
            self.evaluate_alerts(definitions, instance)
        built = [event.asset_key for event in result.get_asset_materialization_events()]
        passed = [
            each.asset_check_key for each in result.get_asset_check_evaluations() if each.passed
        ]
        return RanProduct(result.success, names([*filter(None, built), *passed]))

    def run_for_tick(
        self, definitions: dg.Definitions, project_dir: Path, tick: datetime
    ) -> RanProduct:
        """The schedule is evaluated, also while it is off in the code, as one that a user starts."""
        [schedule] = [each for each in definitions.schedules if each.job_name == "corner_shop"]
        job, done = definitions.resolve_job_def("corner_shop"), frozenset[str]()
        with dg.instance_for_test() as instance:
            with dg.build_schedule_context(instance, tick) as context:
                requests = schedule.evaluate_tick(context).run_requests or ()
            for request in requests:
                result = job.execute_in_process(
                    tags=dict(request.tags), raise_on_error=False, instance=instance
                )
                built = result.get_asset_materialization_events()
                done |= names(filter(None, (event.asset_key for event in built)))
        return RanProduct(True, done)

    def check_deadlines(self, definitions: dg.Definitions, project_dir: Path) -> None:
        with dg.DagsterInstance.ephemeral() as instance:
            self.evaluate_alerts(definitions, instance)

    def run_in_pool(
        self, definitions: dg.Definitions, project_dir: Path, pool: str, slots: int
    ) -> int:
        """In an instance in files, as a user's."""
        with dg.instance_for_test() as instance:
            instance.event_log_storage.set_concurrency_slots(pool, slots)
            job = definitions.resolve_job_def("corner_shop")
            job.execute_in_process(instance=instance)
            info = instance.event_log_storage.get_concurrency_info(pool)
            return len(info.claimed_slots) + len(info.pending_steps)

    def evaluate_alerts(self, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        """As a daemon does."""
        for sensor in definitions.sensors or ():
            if sensor.name.endswith("__alerts"):
                sensor.evaluate_tick(dg.build_sensor_context(instance))

    def run_and_cancel(
        self, definitions: dg.Definitions, project_dir: Path, it_hangs: Callable[[], bool]
    ) -> RanProduct:
        """By ^C on `floe run`."""
        product, options = CompiledArtifacts.load(project_dir), RunOptions("corner-shop")
        with pytest.raises(KeyboardInterrupt), interrupting_once(it_hangs):
            self.plugin().launch_run(product, options, lambda event: None)
        kinds = {BUILT, CHECKED}
        with dg.DagsterInstance.from_config(str(project_dir / ".floe" / "dagster")) as instance:
            [run] = instance.get_runs()
            logged = [entry.dagster_event for entry in instance.all_logs(run.run_id, of_type=kinds)]
        built = [event.asset_key for event in logged if event.event_type is BUILT]
        checks = [event.event_specific_data for event in logged if event.event_type is CHECKED]
        passed = [check.asset_check_key for check in checks if check.passed]
        return RanProduct(run.is_success, names([*built, *passed]))

    def look_at_transforms(self, assets: Sequence[dg.AssetsDefinition]) -> list[LoadedTransform]:
        graph = dg.Definitions(assets=assets, resources={"dbt": None}).resolve_asset_graph()
        keys = [asset.key for asset in assets]
        return [LoadedTransform(name(key), names(graph.get(key).parent_keys)) for key in keys]


@contextmanager
def interrupting_once(it_hangs: Callable[[], bool]) -> Iterator[None]:
    """Send this process a ^C when it is so."""

    def interrupt() -> None:
        while not it_hangs():
            time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    yield
    thread.join()


def name(key: dg.AssetKey | dg.AssetCheckKey) -> str:
    return key.path[-1] if isinstance(key, dg.AssetKey) else key.name


def names(keys: Iterable[dg.AssetKey | dg.AssetCheckKey]) -> frozenset[str]:
    return frozenset(map(name, keys))


def loaded(job: dg.JobDefinition, schedule: dg.ScheduleDefinition | None) -> LoadedJob:
    built = [data.assets_def.asset_and_check_keys for data in job.asset_layer.data]
    is_on = schedule is not None and schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    return LoadedJob(
        names(chain(*built)),
        ticks_of(schedule) if schedule and is_on else None,
        catches_up=keeps_waiting_runs(schedule) if schedule else None,
    )


def keeps_waiting_runs(schedule: dg.ScheduleDefinition) -> bool:
    """Evaluate the schedule as the daemon does, while a run for an earlier tick is in the queue."""
    tick = next(ticks_of(schedule)(datetime(2026, 3, 5, tzinfo=UTC)), None)
    with dg.instance_for_test() as instance:
        before = datetime(2026, 3, 1, tzinfo=UTC).isoformat()
        tags = {"dagster/schedule_name": schedule.name, "floe/nominal_time": before}
        queued = dg.DagsterRunStatus.QUEUED
        records = ScheduleRecords(instance, "here", schedule.name)
        run = run_in_location(instance, "here", queued, tags, schedule.job_name)
        with dg.build_schedule_context(instance, tick) as context:
            context._log_key = records.tick(tick)  # As the daemon's evaluations have.
            schedule.evaluate_tick(context)
        return instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.QUEUED


def ticks_of(schedule: dg.ScheduleDefinition) -> Ticks:
    """Evaluate the schedule at each instant that its expression names, as the daemon does."""

    def starts_a_run(tick: datetime) -> bool:
        with dg.build_schedule_context(scheduled_execution_time=tick) as context:
            return bool(schedule.evaluate_tick(context).run_requests)

    def ticks(start: datetime) -> Iterator[datetime]:
        cron, zone = schedule.cron_schedule, schedule.execution_timezone
        named = schedule_execution_time_iterator(start.timestamp(), cron, zone)
        return (tick for tick in named if starts_a_run(tick))

    return ticks
