"""The schedule of a job's DAG: ticks, updates of the ports that it reads, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import Asset, AssetWatcher

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_orchestrator_airflow.names.dag_id import dag_id
from floe_orchestrator_airflow.names.partition_keys import keyed_partitions
from floe_orchestrator_airflow.names.product_assets import updates_asset
from floe_orchestrator_airflow.ticks.timetable import FloeTimetable

if TYPE_CHECKING:
    from airflow.sdk import AssetOrTimeSchedule
    from airflow.sdk.configuration import conf

    from floe_core.schemas.ports import UpdateTrigger
else:
    # In the Task SDK from 3.2 on.
    try:
        from airflow.sdk import AssetOrTimeSchedule
        from airflow.sdk.configuration import conf
    except ImportError:
        from airflow.configuration import conf
        from airflow.timetables.assets import AssetOrTimeSchedule

DagSchedule = FloeTimetable | AssetOrTimeSchedule | list[Asset] | None


def dag_schedule(artifacts: CompiledArtifacts, job: Job) -> DagSchedule:
    """Return the `schedule` of a job's DAG; None for a job that is only run by hand."""
    timetable, trigger = _timetable(artifacts, job), job.trigger
    if trigger is None or not trigger.enabled:
        return timetable
    asset = _watched_asset(artifacts, job, trigger)
    if timetable is None:
        return [asset]
    return AssetOrTimeSchedule(timetable=timetable, assets=[asset])  # type: ignore[arg-type]


def _timetable(artifacts: CompiledArtifacts, job: Job) -> FloeTimetable | None:
    rule = job.schedule
    if rule is None or not rule.enabled:
        return None
    name = dag_id(artifacts, job)
    return FloeTimetable(
        rule.cron,
        rule.timezone,
        name,
        rule.since,
        every=rule.catchup,
        partitions=keyed_partitions(artifacts, job),
        owner=job.owner,
    )


def _watched_asset(artifacts: CompiledArtifacts, job: Job, trigger: UpdateTrigger) -> Asset:
    """Return the asset with the watcher that polls the ledger for it.

    The watcher is left out if Airflow starts no runs by itself, as in `floe run`: it must not check
    for updates there, since that could mark some of them as seen.
    """
    asset = updates_asset(artifacts.product.name, job.name)
    if conf.getboolean("scheduler", "use_job_schedule", fallback=True):
        asset.watchers.append(_watcher(artifacts, job, trigger))
    return asset


def _watcher(artifacts: CompiledArtifacts, job: Job, trigger: UpdateTrigger) -> AssetWatcher:
    from floe_orchestrator_airflow.ticks.ledger_trigger import LedgerTrigger

    ledger_trigger = LedgerTrigger(
        dag_id=dag_id(artifacts, job),
        product=artifacts.product.name,
        job=job.name,
        update_trigger=trigger.model_dump_json(),
        ledger=artifacts.ledger,
        project_dir=str(artifacts.folder),
        environment=artifacts.environment,
    )
    return AssetWatcher(name="ledger", trigger=ledger_trigger)
