from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from floe_core.schemas.policies import Schedule
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
