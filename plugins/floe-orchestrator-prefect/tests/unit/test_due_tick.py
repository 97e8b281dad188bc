from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from small_artifacts import small_product

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schedules.live_schedules import with_live_schedules
from floe_core.schemas.policies import Schedule
from floe_orchestrator_prefect.ticks import due_tick
from floe_orchestrator_prefect.ticks.due_tick import reason_against

TICK = datetime(2026, 3, 28, 6, 30, tzinfo=UTC)
DAILY = Schedule(cron="30 6 * * *", timezone="Europe/London")


@pytest.mark.parametrize(
    ("schedule", "tick", "late", "reason"),
    [
        (DAILY, TICK, 1, ""),
        (DAILY, TICK, 22 * 60, ""),
        # The clocks have changed: the next tick is an hour earlier in UTC.
        (
            DAILY,
            TICK,
            23 * 60,
            "missed: the next tick, 2026-03-29T05:30:00+00:00, is due as well",
        ),
        (DAILY.model_copy(update={"catchup": True}), TICK, 23 * 60, ""),
        (None, TICK, 1, "the schedule was removed with floe"),
        (
            DAILY.model_copy(update={"enabled": False}),
            TICK,
            1,
            "30 6 * * * in Europe/London is paused with floe",
        ),
        (
            DAILY,
            TICK + timedelta(hours=1),
            1,
            "2026-03-28T07:30:00+00:00 is not a tick of 30 6 * * * in Europe/London",
        ),
        (
            DAILY.model_copy(update={"since": TICK + timedelta(minutes=1)}),
            TICK,
            2,
            "2026-03-28T06:30:00+00:00 is before 30 6 * * * in Europe/London was set",
        ),
    ],
)
def test_a_run_is_for_the_latest_tick_of_the_schedule_that_holds(schedule, tick, late, reason):
    assert reason_against(schedule, tick, tick + timedelta(minutes=late)) == reason


def test_a_store_that_is_away_is_asked_again_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "schedules.json"
    shop = small_product(name="shop").bound_to(tmp_path)
    job, looks = shop.jobs[0], []
    monkeypatch.setattr(due_tick, "SECONDS_BETWEEN_ATTEMPTS", 0.01)

    def ask() -> tuple[None, str]:
        looks.append(with_live_schedules(shop))
        return None, "known"

    store.write_text("damaged")
    repair = threading.Timer(0.3, store.unlink)
    repair.start()
    assert due_tick.ask_patiently(job, ask) == (None, "known")
    repair.join()
    assert len(looks) == 1
    store.write_text("damaged")
    monkeypatch.setattr(due_tick, "PATIENCE", 0.1)
    with pytest.raises(EnvironmentProblemError):
        due_tick.ask_patiently(job, ask)
