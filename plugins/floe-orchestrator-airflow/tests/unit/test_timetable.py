from __future__ import annotations

from datetime import UTC, datetime

import pendulum
import pytest
from airflow.timetables.base import DataInterval, TimeRestriction
from airflow.utils.types import DagRunType
from serialized_dags import decode_timetable, encode_timetable

from floe_core.schedules import ticks_between
from floe_core.schedules.ownership import begin_move, first_owner
from floe_core.schemas.partitions import PartitionBy, Partitions
from floe_core.schemas.policies import Owner
from floe_orchestrator_airflow.internals import has_partition_keys
from floe_orchestrator_airflow.names.airflow_names import has_to_claim
from floe_orchestrator_airflow.ticks.timetable import FloeTimetable

of_keys = pytest.mark.skipif(
    not has_partition_keys(), reason="runs of this Airflow have no partition keys"
)
NO_CATCHUP = TimeRestriction(earliest=None, latest=None, catchup=False)
CATCHUP = TimeRestriction(earliest=None, latest=None, catchup=True)


def at(text: str) -> pendulum.DateTime:
    return pendulum.instance(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("cron", "zone"),
    [
        ("30 1 * * *", "Europe/London"),
        ("30 2 * * *", "America/New_York"),
        ("*/20 * * * *", "Australia/Lord_Howe"),
        ("0 0 * * SUN", "America/Sao_Paulo"),
        ("@midnight", "Asia/Beirut"),
    ],
)
def test_runs_follow_the_ticks_of_the_engine_through_clock_changes(cron: str, zone: str) -> None:
    timetable = FloeTimetable(cron, zone)
    for start, end in (("2026-03-05", "2026-04-08"), ("2026-10-20", "2026-11-04")):
        expected = ticks_between(cron, zone, at(start), at(end))
        found = []
        last = at(start).subtract(microseconds=1)
        while (last := timetable.next_run(last, last, CATCHUP)) < at(end):
            found.append(last.astimezone(UTC))
        assert found == expected


def test_a_first_deployment_waits_for_the_next_tick() -> None:
    timetable = FloeTimetable("0 6 * * *", "UTC")
    assert timetable.next_run(at("2026-01-05T12:00"), None, NO_CATCHUP) == at("2026-01-06T06:00")


def test_the_first_tick_is_not_lost_when_the_file_is_read_again_at_that_moment() -> None:
    timetable = FloeTimetable("0 6 * * *", "UTC")
    assert timetable.next_run(at("2026-01-05T06:00:01"), None, NO_CATCHUP) == at("2026-01-05T06:00")


def test_a_first_deployment_of_a_quick_schedule_runs_one_tick_at_most() -> None:
    timetable = FloeTimetable("* * * * *", "UTC")
    first = timetable.next_run(at("2026-01-05T06:10:30"), None, NO_CATCHUP)
    assert first == at("2026-01-05T06:10")


def test_an_outage_is_made_up_for_by_the_latest_missed_tick_alone() -> None:
    timetable = FloeTimetable("0 6 * * *", "UTC")
    now, last = at("2026-01-09T12:00"), at("2026-01-05T06:00")
    made_up = timetable.next_run(now, last, NO_CATCHUP)
    assert made_up == at("2026-01-09T06:00")
    assert timetable.next_run(now, made_up, NO_CATCHUP) == at("2026-01-10T06:00")


def test_catching_up_runs_every_missed_tick() -> None:
    timetable = FloeTimetable("0 6 * * *", "UTC")
    assert timetable.next_run(at("2026-01-09T12:00"), at("2026-01-05T06:00"), CATCHUP) == at(
        "2026-01-06T06:00"
    )


def test_with_every_tick_an_outage_leaves_none_out_but_a_first_deployment_runs_no_past_one() -> (
    None
):
    timetable = FloeTimetable("0 6 * * *", "UTC", every=True)
    stored = FloeTimetable.deserialize(timetable.serialize())
    now, last = at("2026-01-09T12:00"), at("2026-01-05T06:00")
    assert stored.next_run(now, last, NO_CATCHUP) == at("2026-01-06T06:00")
    assert stored.next_run(now, None, NO_CATCHUP) == at("2026-01-10T06:00")


def test_with_every_tick_nothing_before_it_was_set_is_a_tick() -> None:
    timetable = FloeTimetable("0 6 * * *", "UTC", since=at("2026-01-07T08:00"), every=True)
    last = at("2026-01-05T06:00")
    assert timetable.next_run(at("2026-01-09T12:00"), last, NO_CATCHUP) == at("2026-01-08T06:00")


def test_nothing_before_the_schedule_was_set_is_a_tick() -> None:
    timetable = FloeTimetable("0 6 * * *", "UTC", since=at("2026-01-09T08:00"))
    now, last = at("2026-01-09T12:00"), at("2026-01-05T06:00")
    assert timetable.next_run(now, last, NO_CATCHUP) == at("2026-01-10T06:00")
    assert timetable.next_run(now, last, CATCHUP) == at("2026-01-10T06:00")
    assert timetable.next_run(now, None, NO_CATCHUP) == at("2026-01-10T06:00")


def test_a_backfill_runs_ticks_before_the_schedule_was_set() -> None:
    timetable = FloeTimetable("0 6 * * *", "UTC", since=at("2026-01-09T08:00"))
    within = TimeRestriction(at("2026-01-05T06:00"), at("2026-01-06T06:00"), catchup=True)
    first = timetable.next_dagrun_info(last_automated_data_interval=None, restriction=within)
    assert first is not None
    second = timetable.next_dagrun_info(
        last_automated_data_interval=first.data_interval, restriction=within
    )
    assert second is not None
    assert [first.run_after, second.run_after] == [within.earliest, within.latest]
    assert (
        timetable.next_dagrun_info(
            last_automated_data_interval=second.data_interval, restriction=within
        )
        is None
    )


def test_a_tick_missed_since_the_schedule_was_set_is_made_up_for() -> None:
    timetable = FloeTimetable("0 6 * * *", "UTC", since=at("2026-01-08T08:00"))
    now, last = at("2026-01-09T12:00"), at("2026-01-05T06:00")
    assert timetable.next_run(now, last, NO_CATCHUP) == at("2026-01-09T06:00")


def test_a_start_date_holds_the_first_run_back() -> None:
    restriction = TimeRestriction(earliest=at("2026-03-01T06:00"), latest=None, catchup=False)
    timetable = FloeTimetable("0 6 * * *", "UTC")
    assert timetable.next_run(at("2026-01-05"), None, restriction) == at("2026-03-01T06:00")


def test_no_run_comes_after_the_end_date() -> None:
    restriction = TimeRestriction(earliest=None, latest=at("2020-01-01"), catchup=False)
    timetable = FloeTimetable("0 6 * * *", "UTC")
    assert (
        timetable.next_dagrun_info(last_automated_data_interval=None, restriction=restriction)
        is None
    )


def test_a_scheduled_run_is_for_the_instant_of_its_tick() -> None:
    timetable = FloeTimetable("0 6 * * *", "UTC")
    last = DataInterval.exact(at("2026-01-05T06:00"))
    info = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=CATCHUP)
    assert info is not None
    assert info.data_interval == DataInterval.exact(at("2026-01-06T06:00"))
    assert (info.logical_date, info.run_after) == (at("2026-01-06T06:00"), at("2026-01-06T06:00"))


def test_a_timetable_survives_airflows_own_serialisation() -> None:
    timetable = FloeTimetable("15 */2 * * MON-FRI", "Europe/London")
    encoded = encode_timetable(timetable)
    assert encoded["__var"] == {"cron": "15 */2 * * MON-FRI", "timezone": "Europe/London"}
    decoded = decode_timetable(encoded)
    assert isinstance(decoded, FloeTimetable)
    assert decoded.serialize() == timetable.serialize()


def test_what_a_deployment_adds_survives_as_well() -> None:
    timetable = FloeTimetable("0 6 * * *", "UTC", "shop.hourly", at("2026-01-08T08:00"))
    decoded = decode_timetable(encode_timetable(timetable))
    assert isinstance(decoded, FloeTimetable)
    assert decoded.serialize() == {
        "cron": "0 6 * * *",
        "timezone": "UTC",
        "dag_id": "shop.hourly",
        "since": "2026-01-08T08:00:00+00:00",
    }


def test_the_web_page_shows_expression_zone_and_words() -> None:
    timetable = FloeTimetable("0 6 * * *", "Europe/London")
    assert timetable.summary == "0 6 * * * Europe/London"
    assert timetable.description == "At 06:00 (Europe/London)"


@of_keys
def test_a_run_has_the_key_of_the_newest_partition_of_its_tick_and_keeps_its_logical_date() -> None:
    daily = Partitions(by="day", start="2026-01-01", timezone="Europe/Berlin", lookback=2)
    timetable = FloeTimetable("0 6 * * *", "Europe/Berlin", partitions=daily)
    last = DataInterval.exact(at("2026-03-29T04:00"))
    found = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=CATCHUP)
    assert found is not None
    assert found.partition_key == "2026-03-29"
    assert found.partition_date == at("2026-03-28T23:00")
    assert found.logical_date == found.run_after == at("2026-03-30T04:00")


@of_keys
@pytest.mark.parametrize(
    ("by", "start", "key"),
    [
        ("hour", "2026-01-01", "2026-03-30-03:00"),
        ("day", "2026-01-01", "2026-03-29"),
        ("week", "2026-01-05", "2026-03-23"),
        ("month", "2026-01-01", "2026-02"),
    ],
)
def test_a_tick_has_a_key_whatever_the_length(by: PartitionBy, start: str, key: str) -> None:
    """The times that Airflow gives are pendulum's."""
    timetable = FloeTimetable("5 4 * * *", "UTC", partitions=Partitions(by=by, start=start))
    last = DataInterval.exact(at("2026-03-29T04:05"))
    found = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=CATCHUP)
    assert found is not None
    assert (found.partition_key, found.logical_date) == (key, at("2026-03-30T04:05"))


@of_keys
def test_a_tick_before_the_first_partition_is_due_has_no_key() -> None:
    timetable = FloeTimetable(
        "0 6 * * *", "UTC", partitions=Partitions(by="month", start="2026-03-01")
    )
    last = DataInterval.exact(at("2026-03-29T06:00"))
    found = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=CATCHUP)
    assert found is not None
    assert (found.partition_key, found.logical_date) == (None, at("2026-03-30T06:00"))


@of_keys
def test_partitions_survive_serialization_without_their_nodes() -> None:
    declared = Partitions(by="week", start="2026-01-05", node_ids=("model.shop.a",))
    timetable = FloeTimetable("0 6 * * *", "UTC", partitions=declared)
    encoded = encode_timetable(timetable)
    assert "model.shop.a" not in str(encoded)
    again = decode_timetable(encoded)
    assert again.partitions == declared.model_copy(update={"node_ids": ()})
    assert (again.partitioned, again.partitioned_at_runtime) == (False, True)
    assert not FloeTimetable("0 6 * * *", "UTC").partitioned_at_runtime


def runs_until(timetable: FloeTimetable, now: str, last: str | None) -> list[str]:
    """Return the runs that the scheduler creates up to a moment, one after the other."""
    found, latest = [], at(last) if last else None
    while (tick := timetable.next_run(at(now), latest, NO_CATCHUP)) <= at(now):
        found.append(tick.format("HH:mm"))
        latest = tick
    return found


MOVED = Owner(
    orchestrator="airflow",
    epoch=2,
    first_tick=at("2026-01-05T10:00"),
    late_until=at("2026-01-05T11:30"),
)


def test_ticks_that_passed_during_a_move_run_late_and_after_it_the_latest_alone() -> None:
    hourly = FloeTimetable("0 * * * *", "UTC", owner=MOVED)
    assert runs_until(hourly, "2026-01-05T11:20", None) == ["10:00", "11:00"]
    assert runs_until(hourly, "2026-01-05T11:20", "2026-01-04T09:00") == ["10:00", "11:00"]
    assert runs_until(hourly, "2026-01-05T15:20", "2026-01-05T11:00") == ["15:00"]
    early = at("2026-01-05T08:20")
    assert hourly.next_run(early, at("2026-01-05T07:00"), NO_CATCHUP) == MOVED.first_tick


def test_an_owner_that_was_away_since_the_move_runs_the_first_tick_however_late() -> None:
    hourly = FloeTimetable("0 * * * *", "UTC", owner=MOVED)
    assert runs_until(hourly, "2026-01-05T15:20", "2026-01-04T09:00") == ["10:00", "11:00", "15:00"]


def test_the_last_tick_before_the_job_moves_away_runs_late() -> None:
    moving = begin_move(first_owner("airflow"), "dagster", at("2026-01-05T10:00"))
    hourly = FloeTimetable("0 * * * *", "UTC", owner=moving)
    tick = hourly.next_run(at("2026-01-05T10:20"), at("2026-01-05T07:00"), NO_CATCHUP)
    assert tick == at("2026-01-05T09:00")


def test_the_first_owner_runs_what_it_ran_without_a_record() -> None:
    first = first_owner("airflow")
    for last in (None, "2026-01-05T07:00"):
        told = [
            runs_until(FloeTimetable("0 * * * *", "UTC", owner=owner), "2026-01-05T15:20", last)
            for owner in (None, first)
        ]
        assert told[0] == told[1]


def test_no_run_is_planned_from_the_tick_that_is_another_s() -> None:
    moving = begin_move(first_owner("airflow"), "dagster", at("2030-01-05T10:00"))
    daily = decode_timetable(encode_timetable(FloeTimetable("0 6 * * *", "UTC", owner=moving)))
    planned = [
        daily.next_dagrun_info(
            last_automated_data_interval=DataInterval.exact(at(last)), restriction=NO_CATCHUP
        )
        for last in ("2030-01-04T06:00", "2030-01-05T06:00")
    ]
    assert planned[0] is not None
    assert (planned[0].run_after, planned[1]) == (at("2030-01-05T06:00"), None)


def test_a_run_that_has_to_claim_its_tick_says_so_in_its_id() -> None:
    when = {"run_after": at("2026-01-05T06:00"), "data_interval": None}
    names = [
        FloeTimetable("0 6 * * *", "UTC", owner=owner).generate_run_id(run_type=kind, **when)
        for kind, owner in (
            (DagRunType.SCHEDULED, None),
            (DagRunType.SCHEDULED, MOVED),
            (DagRunType.MANUAL, MOVED),
        )
    ]
    assert names[:2] == [
        "scheduled__2026-01-05T06:00:00+00:00",
        "scheduled__2026-01-05T06:00:00+00:00__epoch-2",
    ]
    assert [has_to_claim(name) for name in names] == [False, True, False]
