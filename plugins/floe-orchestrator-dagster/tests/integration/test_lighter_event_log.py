from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dagster import (
    AssetKey,
    AssetSpec,
    DagsterInstance,
    MaterializeResult,
    asset,
    materialize,
    multi_asset,
)

from floe_orchestrator_dagster.internals import lighter_event_log
from floe_orchestrator_dagster.step.internals import remembered_materializations


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


PARENTS = {"first": [], "second": ["first"], "third": ["first", "second", "outside"]}
SPECS = [AssetSpec(name, deps=parents, code_version="1") for name, parents in PARENTS.items()]


@multi_asset(specs=SPECS)
def remembering(context) -> Iterator[MaterializeResult[None]]:
    with remembered_materializations(context):
        yield from (MaterializeResult(asset_key=name) for name in PARENTS)


@multi_asset(specs=SPECS)
def asking() -> Iterator[MaterializeResult[None]]:
    yield from (MaterializeResult(asset_key=name) for name in PARENTS)


@asset(code_version="1")
def outside() -> None: ...


def tags_by_asset(instance: DagsterInstance) -> dict[str, dict[str, str]]:
    """Return what Dagster keeps with the last materialization of each asset."""
    found = {}
    for name in PARENTS:
        event = instance.get_latest_materialization_event(AssetKey(name))
        assert event is not None
        assert event.asset_materialization is not None
        found[name] = {**event.asset_materialization.tags}
    return found


def storage_id(instance: DagsterInstance, name: str) -> str:
    return str(instance.fetch_materializations(AssetKey(name), limit=1).records[0].storage_id)


def test_an_output_is_kept_with_its_inputs_and_none_of_them_is_fetched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fetched: list[str] = []
    fetch = DagsterInstance.get_asset_records

    def get_asset_records(instance: DagsterInstance, keys: Any = None) -> Any:
        fetched.extend(key.to_user_string() for key in keys)
        return fetch(instance, keys)

    kept: dict[str, dict[str, dict[str, str]]] = {}
    asked: dict[str, set[str]] = {}
    for name, step in {"remembering": remembering, "asking": asking}.items():
        with DagsterInstance.ephemeral() as instance, monkeypatch.context() as patch:
            materialize([outside], instance=instance)
            # The second time, there is an older materialization of each.
            materialize([step], instance=instance)
            before = dict(vars(instance.event_log_storage))
            patch.setattr(DagsterInstance, "get_asset_records", get_asset_records)
            fetched.clear()
            assert materialize([step], instance=instance).success
            asked[name] = {*fetched}
            assert vars(instance.event_log_storage).keys() == before.keys()
            kept[name] = tags_by_asset(instance)
            pointers = {
                parent: kept[name]["third"][f"dagster/input_event_pointer/{parent}"]
                for parent in PARENTS["third"]
            }
            assert pointers == {parent: storage_id(instance, parent) for parent in pointers}
    # Dagster fetches what comes from outside the step once, before it.
    assert asked == {"remembering": {"outside"}, "asking": {"outside", "first", "second"}}
    assert kept["remembering"] == kept["asking"]


def test_without_the_names_dagster_asks_the_database(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "floe")
    step = SimpleNamespace()
    instance = SimpleNamespace(event_log_storage=SimpleNamespace())
    context: Any = SimpleNamespace(instance=instance, get_step_execution_context=lambda: step)
    with remembered_materializations(context):
        assert vars(step) == {}
    assert ["many assets is slower" in message for message in caplog.messages] == [True]
