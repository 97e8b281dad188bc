"""Jobs that run for every period, beside a replay that knows dates and sets, and no calendar."""

from __future__ import annotations

import calendar
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from floe_core.ports.decision import Decision, period_in, updates_in
from floe_core.ports.ledger import Ledger
from floe_core.ports.periods import decide_period, partitions_in, stale_periods, updates_of_period
from floe_core.ports.record import KEPT_PERIODS, Begun, ProductRecord, Update
from floe_core.ports.watch import TriggeredJob, look_in
from floe_core.schemas.partitions import Partitions
from floe_core.schemas.ports import UpdateTrigger

DAYS = Partitions(by="day", start="2026-01-10")
MONTHS = Partitions(by="month", start="2026-01-01")
PORTS = ("crm/customers@1", "shop/orders@2")
JOB = TriggeredJob(
    "report",
    "report",
    UpdateTrigger(
        on_update="all",
        ports=PORTS,
        every=MONTHS,
        port_partitions=dict.fromkeys(PORTS, DAYS),
    ),
)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def days_of(month: str) -> list[str]:
    """Return the days of a month from the tenth of January on."""
    year, number = map(int, month.split("-"))
    last = calendar.monthrange(year, number)[1]
    days = (date(year, number, day).isoformat() for day in range(1, last + 1))
    return [day for day in days if day >= "2026-01-10"]


def built(ledger: Ledger, port: str, keys: list[str], run_id: str) -> None:
    product, _, name = port.partition("/")
    update = Update(number=0, moment=NOW, run_id=run_id, calendar="day-UTC")
    ledger.add_updates(product, [name], update, {name: tuple(keys)})


def begin(ledger: Ledger, decision: Decision, run_id: str) -> bool:
    record = ledger.partitions(JOB.trigger.port_partitions)
    period = next(each for each in _months() if each == decision.period)
    start = datetime.fromisoformat(f"{period}-01").replace(tzinfo=UTC)
    from floe_core.partitions.calendar import partition_at

    partition = partition_at(MONTHS, start)
    assert partition is not None
    periods = {period: updates_of_period(record, partition)}
    updates = updates_in(decision.key)
    return ledger.begin("report", "report", run_id, updates, NOW, updates, periods)


def _months() -> Iterator[str]:
    yield from (f"2026-{number:02}" for number in range(1, 7))


@pytest.mark.parametrize("seed", range(10))
def test_each_whole_month_runs_once_and_is_stale_after_a_day_of_it(
    seed: int, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    ledger = Ledger(str(tmp_path))
    there: dict[str, set[str]] = {port: set() for port in PORTS}
    ran: dict[str, int] = {}
    stale: set[str] = set()
    for step in range(50):
        now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=chance.randrange(0, 160))
        month = chance.choice([*_months()])
        port = chance.choice(PORTS)
        days = days_of(month)
        keys = days if chance.random() < 0.6 else chance.sample(days, chance.randint(1, len(days)))
        if chance.random() < 0.7:
            built(ledger, port, keys, f"r{step}")
            there[port] |= set(keys)
            stale |= {month} & ran.keys()
        decision = look_in(ledger, JOB, now)
        due = [
            each
            for each in _months()
            if each not in ran
            and all(set(days_of(each)) <= there[name] for name in PORTS)
            and now.strftime("%Y-%m") > each
        ]
        assert (decision.action == "run", decision.period) == (bool(due), due[0] if due else "")
        if due:
            assert period_in(decision.key) == due[0]
            if chance.random() < 0.8:
                assert begin(ledger, decision, f"run-{step}")
                assert not begin(ledger, decision, "another")
                ran[due[0]] = step
        record = ledger.read("report")
        parts = ledger.partitions(JOB.trigger.port_partitions)
        found = stale_periods(MONTHS, parts, record.periods.get("report", {}), NOW)
        assert set(found) == stale


def test_a_job_that_waits_says_for_which_days(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    assert look_in(ledger, JOB, NOW) == Decision("wait")
    for port in PORTS:
        built(ledger, port, [day for day in days_of("2026-02") if day != "2026-02-03"], port)
    both = look_in(ledger, JOB, NOW)
    assert both.missing == PORTS
    assert both.waits_for == ", ".join(f"{port} (2026-02-03)" for port in PORTS)
    built(ledger, PORTS[1], ["2026-02-03"], "late")
    assert look_in(ledger, JOB, NOW).partitions == {PORTS[0]: "2026-02-03"}
    built(ledger, PORTS[0], ["2026-02-03"], "later")
    decision = look_in(ledger, JOB, NOW)
    assert (decision.action, decision.period) == ("run", "2026-02")
    assert look_in(ledger, JOB, NOW, is_running=True).action == "wait"
    assert look_in(ledger, JOB, datetime(2026, 2, 28, tzinfo=UTC)).action == "wait", "not over"


def test_what_a_retry_of_the_run_finds_is_its_own(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    for port in PORTS:
        built(ledger, port, days_of("2026-02"), port)
    decision = look_in(ledger, JOB, NOW)
    assert begin(ledger, decision, "first")
    assert begin(ledger, decision, "first"), "its own retry"
    assert not begin(ledger, decision, "second")


def test_days_in_a_new_record_of_the_producer_make_a_month_stale(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    for port in PORTS:
        built(ledger, port, days_of("2026-02"), port)
    assert begin(ledger, look_in(ledger, JOB, NOW), "first")
    (tmp_path / "crm.json").unlink()
    begun = ledger.read("report").periods["report"]
    parts = JOB.trigger.port_partitions
    assert stale_periods(MONTHS, ledger.partitions(parts), begun, NOW) == ()
    built(ledger, PORTS[0], days_of("2026-02"), "again")
    assert stale_periods(MONTHS, ledger.partitions(parts), begun, NOW) == ("2026-02",)


def test_days_of_another_zone_or_length_are_not_those_of_the_port() -> None:
    record = ProductRecord(partitions={"customers@1": {"day-Europe-Berlin": {"2026-02-01": 1}}})
    assert not partitions_in(record, PORTS[0], DAYS).numbers


def test_periods_that_a_full_record_has_dropped_are_not_run_again() -> None:
    hours = Partitions(by="hour", start="2026-01-01")
    first = datetime(2026, 1, 1, tzinfo=UTC)
    keys = [(first + timedelta(hours=n)).strftime("%Y-%m-%d-%H:%M") for n in range(2400)]
    record = ProductRecord(partitions={"c@1": {"hour-UTC": dict.fromkeys(keys, 1)}})
    parts = {"crm/c@1": partitions_in(record, "crm/c@1", hours)}
    begun = {key: Begun(run_id="r") for key in keys}
    kept = ProductRecord().with_periods("j", "r", {key: {} for key in keys}).periods["j"]
    assert len(kept) == KEPT_PERIODS < len(begun)
    assert decide_period(hours, parts, kept, NOW) == Decision("wait")
