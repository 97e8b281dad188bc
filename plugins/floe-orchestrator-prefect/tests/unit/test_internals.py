"""What does not work without each of the names that floe borrows from Prefect, and what still does."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from borrowed_names import borrowed_names, without
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
from prefect.server.concurrency.lease_storage.filesystem import ConcurrencyLeaseStorage
from prefect.settings import get_current_settings
from prefect.states import Completed

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.lazy_names import warn_of_missing_name
from floe_core.schedules import ticks_between
from floe_core.schemas.policies import Schedule
from floe_orchestrator_prefect import internals
from floe_orchestrator_prefect.ticks import prefect_schedules
from floe_orchestrator_prefect.ticks.prefect_schedules import moments_of
from floe_orchestrator_prefect.ticks.schedule_uptake import next_moment

TODAY = datetime(2026, 3, 1, tzinfo=UTC)
DAILY = Schedule(cron="0 6 * * *", timezone="Europe/London")
OF_SERVER = [
    ("prefect.server.schemas.schedules", "CronSchedule"),
    ("prefect.server.schemas.schedules", "IntervalSchedule"),
    ("prefect.server.schemas.schedules", "RRuleSchedule"),
]
OF_ASSETS = ("prefect.context", "AssetContext")
OF_APP = ("prefect.server.api.server", "create_app")
OF_HEARTBEATS = [
    ("prefect.settings", "PREFECT_FLOWS_HEARTBEAT_FREQUENCY"),
    ("prefect.settings", "temporary_settings"),
]
OF_LEASES = (
    "prefect.server.concurrency.lease_storage.filesystem",
    "ConcurrencyLeaseStorage",
)


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    warn_of_missing_name.cache_clear()
    prefect_schedules._ticks_alike.cache_clear()
    yield
    prefect_schedules._ticks_alike.cache_clear()


def test_these_are_all_that_are_borrowed() -> None:
    assert borrowed_names(Path(internals.__file__), "prefect") == [
        OF_ASSETS,
        OF_APP,
        OF_LEASES,
        *OF_SERVER,
        *OF_HEARTBEATS,
    ]


def test_a_run_sends_no_heartbeats() -> None:
    before = get_current_settings().flows.heartbeat_frequency
    with internals.without_heartbeats():
        assert get_current_settings().flows.heartbeat_frequency is None
    assert get_current_settings().flows.heartbeat_frequency == before is not None


def test_without_prefects_settings_a_run_sends_them(caplog: pytest.LogCaptureFixture) -> None:
    before = get_current_settings().flows.heartbeat_frequency
    # The other name is made by the module when it is asked for.
    with without(*OF_HEARTBEATS[1]), internals.without_heartbeats():
        assert get_current_settings().flows.heartbeat_frequency == before
    [warning] = caplog.messages
    assert "a run takes up to a second longer" in warning


@pytest.mark.parametrize("name", OF_SERVER)
def test_without_the_servers_schedules_prefect_gets_dates(
    name: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    [as_cron] = prefect_schedules.prefect_schedules(DAILY, TODAY)
    assert isinstance(as_cron, CronSchedule)
    prefect_schedules._ticks_alike.cache_clear()
    with without(*name):
        as_dates = prefect_schedules.prefect_schedules(DAILY, TODAY)
    assert all(isinstance(one, RRuleSchedule) for one in as_dates)
    end = TODAY + timedelta(days=700)
    assert moments_of(as_dates, TODAY, end) == ticks_between(DAILY.cron, DAILY.timezone, TODAY, end)
    [warning] = caplog.messages
    assert "schedules are given to it as dates, which end" in warning


def test_an_interval_of_a_team_has_moments() -> None:
    every = IntervalSchedule(interval=timedelta(hours=5), anchor_date=TODAY)
    later = TODAY + timedelta(hours=6)
    assert next_moment([every], later) == TODAY + timedelta(hours=10)


@pytest.mark.parametrize("name", OF_SERVER)
def test_without_the_servers_schedules_no_moments_are_told(name: tuple[str, str]) -> None:
    schedules = [CronSchedule(cron="0 6 * * *", timezone="UTC")]
    assert next_moment(schedules, datetime.now(UTC)) is not None
    with without(*name):
        assert next_moment(schedules, datetime.now(UTC)) is None
        with pytest.raises(EnvironmentProblemError, match="does not expose the ticks"):
            moments_of(schedules, TODAY, TODAY + timedelta(days=1))


def test_without_the_context_of_assets_their_events_are_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    task = SimpleNamespace(assets=[], asset_deps=[])
    with without(*OF_ASSETS):
        internals.emit_assets(task, TODAY, {"rows": 3}, Completed())  # type: ignore[arg-type]
    assert ["show no materializations" in message for message in caplog.messages] == [True]


def test_without_the_storage_of_leases_none_is_taken_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    storage = ConcurrencyLeaseStorage(tmp_path / "concurrency_leases")
    lease = asyncio.run(storage.create_lease([], timedelta(seconds=-1)))
    assert internals.expired_leases(tmp_path) == [lease.id]
    with without(*OF_LEASES):
        assert internals.expired_leases(tmp_path) == []
    assert ["slots of a killed run stay taken" in text for text in caplog.messages] == [True]


def test_without_the_servers_app_prefect_starts_its_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.socket() as listening, without(*OF_APP), pytest.raises(internals.NoServerError):
        internals.serve_for_one_run(listening)
    [warning] = caplog.messages
    assert "a local run starts later" in warning


def test_so_it_does_where_the_app_takes_other_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(".".join(OF_APP), lambda *, is_temporary: None)
    with socket.socket() as listening, pytest.raises(internals.NoServerError):
        internals.serve_for_one_run(listening)
