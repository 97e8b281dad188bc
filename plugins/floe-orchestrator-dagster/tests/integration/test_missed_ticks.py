"""After an outage Dagster evaluates the last moment alone: what floe makes of it by its records."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from dagster import DagsterRunStatus, RunRequest, ScheduleEvaluationContext
from dagster._core.scheduler.instigation import TickStatus
from dagster._core.test_utils import instance_for_test
from schedule_records import NAME, ScheduleRecords, at, run_in_location

from floe_core.schemas.policies import Schedule
from floe_orchestrator_dagster.ticks.tick_evaluation import runs_or_reason

# Dagster is given every half hour for it, as the zone's clock changes by one.
HOURLY = Schedule(cron="0 * * * *", timezone="Australia/Lord_Howe")


class Records(ScheduleRecords):
    """The same, evaluated."""

    def evaluated(self, moment: datetime) -> str | None:
        """Return the nominal time of the run that there is at this moment."""
        found = self.all_evaluated(moment, HOURLY)
        return found[0] if found else None

    def all_evaluated(self, moment: datetime, schedule: Schedule) -> list[str]:
        """Return the nominal times of all runs that there are at this moment."""
        context = ScheduleEvaluationContext(self.instance.get_ref(), moment, self.tick(moment))
        with context:
            found = runs_or_reason(schedule, "shop", NAME, context)
        runs = [each for each in found if isinstance(each, RunRequest)]
        assert len({each.run_key for each in runs}) == len(runs)
        return [each.tags["floe/nominal_time"] for each in runs]


@pytest.fixture
def records() -> Iterator[Records]:
    with instance_for_test() as instance:
        yield Records(instance)


def test_a_tick_before_the_last_moment_is_made_up_for_once(records: Records) -> None:
    records.tick(at(2, 0), TickStatus.SUCCESS)
    assert records.evaluated(at(5, 30)) == at(5, 0).isoformat()
    assert records.evaluated(at(6, 0)) == at(6, 0).isoformat()
    assert records.evaluated(at(6, 30)) is None


def test_with_catchup_every_tick_of_an_outage_is_made_up_for(records: Records) -> None:
    catching_up = HOURLY.model_copy(update={"catchup": True})
    records.tick(at(2, 0), TickStatus.SUCCESS)
    missed = [at(hour, 0).isoformat() for hour in (3, 4, 5)]
    assert records.all_evaluated(at(5, 30), catching_up) == missed
    since = catching_up.model_copy(update={"since": at(7, 30)})
    assert records.all_evaluated(at(9, 0), since) == [at(8, 0).isoformat(), at(9, 0).isoformat()]


def test_what_was_looked_at_is_not_looked_at_again(records: Records) -> None:
    records.tick(at(5, 0), TickStatus.SUCCESS)
    assert records.evaluated(at(5, 30)) is None


def test_nothing_before_the_start_of_the_schedule_is_made_up_for(records: Records) -> None:
    assert records.evaluated(at(1, 30)) is None


def test_the_first_tick_after_the_start_is_made_up_for(records: Records) -> None:
    assert records.evaluated(at(2, 30)) == at(2, 0).isoformat()


def test_what_another_code_location_has_run_or_looked_at_is_its_own(records: Records) -> None:
    """They hold the same product, as for two environments, and their daemon looks at both."""
    other = Records(records.instance, "other")
    for each, last in ((records, at(2, 0)), (other, at(5, 0))):
        each.tick(last, TickStatus.SUCCESS)
    of_tick = {"dagster/schedule_name": NAME, "floe/nominal_time": at(5, 0).isoformat()}
    run_in_location(records.instance, "other", DagsterRunStatus.SUCCESS, of_tick)
    other.tick(at(5, 30))
    assert records.evaluated(at(5, 30)) == at(5, 0).isoformat()
    run_in_location(records.instance, "shop", DagsterRunStatus.SUCCESS, of_tick)
    assert records.evaluated(at(5, 30)) is None
