from __future__ import annotations

from pathlib import Path

from dagster import AssetKey, DagsterInstance, asset, materialize

from floe_orchestrator_dagster.internals import lighter_event_log


@asset
def orders() -> None: ...


def test_what_is_told_meanwhile_is_there_for_everyone_and_the_storage_is_as_before(
    tmp_path: Path,
) -> None:
    with DagsterInstance.local_temp(str(tmp_path)) as instance:
        before = dict(vars(instance.event_log_storage))
        with lighter_event_log(instance), lighter_event_log(instance):
            run = materialize([orders], instance=instance)
        after = dict(vars(instance.event_log_storage))
        with DagsterInstance.local_temp(str(tmp_path)) as another:
            told = another.get_latest_materialization_event(AssetKey("orders"))
    assert told is not None
    assert told.run_id == run.run_id
    assert after.keys() == before.keys()
