"""What happens when nobody served a product for a while, and then somebody does again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from free_port import free_port
from running_prefect import RunningPrefect
from served_product import compile_served_product, nominal_times
from wait_for import wait_for
from what_works_at import processes_at

from floe_core.plugin_api.powers import RunningSchedule
from floe_core.schedules import latest_tick, ticks_between
from floe_core.schedules.claims import claims_of
from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schedules.ownership import begin_move, end_move, first_owner
from floe_core.schedules.schedule_override import ScheduleOverride
from floe_core.schedules.schedule_store import store_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect import PrefectPlugin

pytestmark = pytest.mark.slow
EVERY_MINUTE = ("* * * * *", "UTC")
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPrefect]:
    running = RunningPrefect(tmp_path_factory.mktemp("served-again"))
    with running.up():
        yield running
    assert processes_at(running.folder) == []


@pytest.fixture
def shop(prefect: RunningPrefect) -> CompiledArtifacts:
    folder = prefect.folder / f"shop-{len(list(prefect.folder.iterdir()))}"
    return compile_served_product(folder, "prefect", prefect.url)


def plugin_of(url: str, product: CompiledArtifacts) -> PrefectPlugin:
    plugin = PrefectPlugin()
    plugin.configure({"url": url})
    plugin.create_definitions(product)
    return plugin


def test_what_was_set_meanwhile_is_all_that_the_server_has(
    prefect: RunningPrefect, shop: CompiledArtifacts
) -> None:
    plugin = plugin_of(prefect.url, shop)
    away = plugin_of(f"http://127.0.0.1:{free_port()}/api", shop)
    with prefect.serving(shop.project_dir):
        # Dates, which are several schedules.
        plugin.schedule_job("web-shop", "30 2 * * *", "America/New_York")
        plugin.schedule_job("good", "9 9 * * *", "UTC")
    away.schedule_job("web-shop", "8 8 * * *", "UTC")
    away.unschedule_job("good")
    with prefect.serving(shop.project_dir):
        has = {
            job: [each["schedule"].get("cron") for each in prefect.deployment(job)["schedules"]]
            for job in ("web-shop/floe", "web-shop.good/floe")
        }
    assert has == {"web-shop/floe": ["8 8 * * *"], "web-shop.good/floe": []}


def test_of_the_ticks_that_were_missed_the_latest_runs_once(
    prefect: RunningPrefect, shop: CompiledArtifacts
) -> None:
    plugin = plugin_of(prefect.url, shop)

    def runs() -> dict[datetime, str]:
        found = [run for run in prefect.runs("web-shop.good") if run["auto_scheduled"]]
        return {
            datetime.fromisoformat(run["expected_start_time"]): run["state"]["name"]
            for run in found
        }

    with prefect.serving(shop.project_dir):
        plugin.schedule_job("good", *EVERY_MINUTE)
        wait_for(lambda: "Completed" in runs().values(), 150)
    seen = max(runs())
    wait_for(lambda: datetime.now(UTC) > seen + 3 * MINUTE + timedelta(seconds=2), 200)
    with prefect.serving(shop.project_dir):
        returned = latest_tick(*EVERY_MINUTE, datetime.now(UTC))
        wait_for(lambda: any(t >= returned and s == "Completed" for t, s in runs().items()), 300)
        plugin.pause("good")
        wait_for(lambda: {*runs().values()} <= {"Completed", "Skipped"}, 300)
    last = max(tick for tick, state in runs().items() if state == "Completed")
    ticks = ticks_between(*EVERY_MINUTE, seen + MINUTE, last + timedelta(seconds=1))
    states = [runs().get(tick) for tick in ticks]
    # The last one of those that were missed by then runs, and all that came afterwards. Of the
    # others, Prefect may have no run: it makes them ahead while somebody serves the product.
    missed = states.index("Completed")
    assert missed >= 2
    assert {*states[:missed]} <= {"Skipped", None}
    assert {*states[missed:]} == {"Completed"}
    done = [tick.isoformat() for tick, state in runs().items() if state == "Completed"]
    assert nominal_times(shop) == sorted(done)


def test_ticks_that_passed_while_a_job_moved_here_run_late_in_order_and_once(
    prefect: RunningPrefect, shop: CompiledArtifacts
) -> None:
    plugin, records, store = plugin_of(prefect.url, shop), JobSchedules(shop), store_of(shop)
    first = latest_tick(*EVERY_MINUTE, datetime.now(UTC)) - 5 * MINUTE
    leaving = begin_move(first_owner("airflow"), "prefect", first)
    cron, zone = EVERY_MINUTE
    entry = ScheduleOverride(since=first - MINUTE, cron=cron, timezone=zone, owner=leaving)
    assert store is not None
    store.change(lambda kept: {**kept, "good": entry})

    def states() -> set[str]:
        return {run["state"]["name"] for run in prefect.runs("web-shop.good")}

    with prefect.serving(shop.project_dir):
        assert plugin.running_schedule(shop, "good") == RunningSchedule(None, is_enabled=False)
        assert records.change_owner("good", leaving, end_move(leaving, datetime.now(UTC)))
        plugin.follow_owner(shop, "good")
        wait_for(lambda: len(claims_of(shop, "good")) > 7, 300)
        runs = prefect.runs("web-shop.good")
        plugin.pause("good")
        wait_for(lambda: states() <= {"Completed", "Skipped"}, 120)
    claimed = [*claims_of(shop, "good").items()]
    ticks = [tick for tick, _ in claimed]
    assert ticks == ticks_between(cron, zone, first, ticks[-1] + timedelta(seconds=1))
    assert [claim.at for _, claim in claimed] == sorted(claim.at for _, claim in claimed)
    assert nominal_times(shop) == [tick.isoformat() for tick in ticks]
    # Each tick has one run, which hardly ever starts before its turn.
    assert len({run["expected_start_time"] for run in runs}) == len(runs)
    assert sum(run["run_count"] for run in runs) <= len(ticks) + 3
