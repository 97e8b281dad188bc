"""The schedule of a job's DAG: ticks, updates of the ports that it reads, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import Asset, AssetWatcher

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_orchestrator_airflow.names.airflow_names import keyed_partitions
from floe_orchestrator_airflow.names.product_assets import updates_asset
from floe_orchestrator_airflow.ticks.timetable import FloeTimetable

if TYPE_CHECKING:
    from airflow.sdk import AssetOrTimeSchedule
    from airflow.sdk.configuration import conf
else:
    # In the Task SDK from 3.2 on.
    try:
        from airflow.sdk import AssetOrTimeSchedule
        from airflow.sdk.configuration import conf
    except ImportError:
        from airflow.configuration import conf
        from airflow.timetables.assets import AssetOrTimeSchedule

DagSchedule = FloeTimetable | AssetOrTimeSchedule | list[Asset] | None


def dag_schedule(artifacts: CompiledArtifacts, job: Job, dag_id: str) -> DagSchedule:
    """Return the `schedule` of a job's DAG; None for a job that is only run by hand."""
    assets, rule = _watched_assets(artifacts, job, dag_id), job.schedule
    if rule is None or not rule.enabled:
        return assets or None
    timetable = FloeTimetable(
        rule.cron,
        rule.timezone,
        dag_id,
        rule.since,
        every=rule.catchup,
        partitions=keyed_partitions(artifacts, job),
        owner=job.owner,
    )
    if not assets:
        return timetable
    return AssetOrTimeSchedule(timetable=timetable, assets=assets)  # type: ignore[arg-type]


def _watched_assets(artifacts: CompiledArtifacts, job: Job, dag_id: str) -> list[Asset]:
    """Return the asset whose updates start a job, with the watcher that polls the ledger for it.

    The watcher is left out if Airflow starts no runs by itself, as in `floe run`: it must not check
    for updates there, since that could mark some of them as seen.
    """
    if job.trigger is None or not job.trigger.enabled:
        return []
    asset = updates_asset(artifacts.product.name, job.name)
    if conf.getboolean("scheduler", "use_job_schedule", fallback=True):
        from floe_orchestrator_airflow.ticks.ledger_trigger import LedgerTrigger

        trigger = LedgerTrigger(
            dag_id=dag_id,
            product=artifacts.product.name,
            job=job.name,
            update_trigger=job.trigger.model_dump_json(),
            ledger=artifacts.ledger,
            project_dir=str(artifacts.folder),
            environment=artifacts.environment,
        )
        asset.watchers.append(AssetWatcher(name="ledger", trigger=trigger))
    return [asset]
