"""When updates start runs: the function, and its oracle, a replay of every moment by hand."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from floe_core.ports.decision import decide, updates_in
from floe_core.ports.record import ProductRecord, Start, Update
from floe_core.schemas.ports import UpdateTrigger

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
A, B = "crm/customers@1", "shop/orders@2"


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def update(number: int, seconds: float = 0) -> Update:
    return Update(number=number, moment=at(seconds), run_id=f"r{number}")


def trigger(on_update: str = "all", **more: object) -> UpdateTrigger:
    return UpdateTrigger(on_update=on_update, ports=(A, B), **more)


def test_all_waits_for_every_port() -> None:
    waiting = decide(trigger(), {A: [update(1)]}, {}, at(5))
    assert (waiting.action, waiting.missing, waiting.until) == ("wait", (B,), None)
    due = decide(trigger(), {A: [update(1)], B: [update(7)]}, {}, at(5))
    assert (due.action, due.updates) == ("run", {A: 1, B: 7})


def test_any_takes_one() -> None:
    assert decide(trigger("any"), {B: [update(3)]}, {B: 2}, at(0)).action == "run"
    assert decide(trigger("any"), {B: [update(3)]}, {B: 3}, at(0)).action == "wait"


@pytest.mark.parametrize("late", ["run", "skip"])
def test_the_wait_is_counted_from_the_first_new_update(late: str) -> None:
    rule = trigger(wait_seconds=60, when_late=late)
    updates = {A: [update(1, 0), update(2, 100), update(3, 150)]}
    assert decide(rule, updates, {A: 1}, at(159.9)).action == "wait"
    decision = decide(rule, updates, {A: 1}, at(160))
    assert (decision.action, decision.updates) == (late, {A: 3})


def test_nothing_starts_while_a_run_is_on_or_the_trigger_is_off() -> None:
    updates = {A: [update(1)], B: [update(1)]}
    assert decide(trigger(), updates, {}, at(0), is_running=True).action == "wait"
    assert decide(trigger(enabled=False), updates, {}, at(0)).action == "wait"


def test_a_key_names_the_updates() -> None:
    key = decide(trigger(), {A: [update(1)], B: [update(7)]}, {}, at(5)).key
    assert key == "crm/customers@1#1,shop/orders@2#7"
    assert updates_in(key) == {A: 1, B: 7}


def test_a_number_seen_in_another_epoch_counts_as_nothing() -> None:
    begun_again = update(1).model_copy(update={"epoch": "9be1d0f2"})
    decision = decide(trigger("any"), {A: [begun_again]}, {A: 5}, at(0))
    assert (decision.action, decision.ports) == ("run", [A])
    assert decision.key == "crm/customers@1~9be1d0f2#1"
    assert decide(trigger("any"), {A: [begun_again]}, decision.updates, at(0)).action == "wait"


@dataclass
class Replay:
    """Starts by the words of the docs, kept as lists of moments, one look a second.

    A port has news if its last update came after the last run began. It knows no numbers, no
    ledger and no function of floe.
    """

    on_update: str
    wait: int | None
    late: str
    updates: dict[str, list[int]] = field(default_factory=lambda: {A: [], B: []})
    begun: list[int] = field(default_factory=list)
    ignored_until: int = -1
    busy_until: int = -1

    def look(self, second: int, is_paused: bool, length: int) -> None:
        horizon = max([self.ignored_until, *self.begun])
        news = {p: [u for u in found if u > horizon] for p, found in self.updates.items()}
        if is_paused or second <= self.busy_until or not any(news.values()):
            return
        is_whole = all(news.values()) or self.on_update == "any"
        first = min(u for found in news.values() for u in found)
        is_late = self.wait is not None and second - first >= self.wait
        if is_whole or (is_late and self.late == "run"):
            self.begun.append(second)
            self.busy_until = second + length
        elif is_late:
            self.ignored_until = second


@pytest.mark.parametrize("seed", range(300))
def test_random_histories_start_what_a_replay_starts(seed: int) -> None:
    chance = random.Random(seed)
    on_update = chance.choice(["all", "any"])
    wait = chance.choice([None, 5, 20]) if on_update == "all" else None
    late = chance.choice(["run", "skip"])
    rule = trigger(on_update, wait_seconds=wait, when_late=late)
    replay, record, producers = Replay(on_update, wait, late), ProductRecord(), {
        "crm": ProductRecord(), "shop": ProductRecord()
    }  # fmt: skip
    starts: list[int] = []
    busy_until, length = -1, chance.choice([0, 3, 12])
    is_paused = False
    epochs = 0
    for second in range(120):
        if chance.random() < 0.01:
            # Somebody moves the record of a producer away, which has other epochs afterwards.
            epochs += 1
            gone = chance.choice([A, B])
            producers[gone.partition("/")[0]] = ProductRecord(epoch=str(epochs))
            horizon = max([replay.ignored_until, *replay.begun])
            replay.updates[gone] = [u for u in replay.updates[gone] if u <= horizon]
        for port in (A, B):
            # A failed run of a producer writes nothing: there is nothing to replay of it.
            if chance.random() < 0.06:
                product, _, name = port.partition("/")
                new = Update(number=0, moment=at(second), run_id=f"{port}{second}")
                producers[product] = producers[product].with_update(name, new)
                replay.updates[port].append(second)
        if chance.random() < 0.05:
            is_paused = not is_paused
        # By hand, a run begins whatever the trigger thinks of it.
        if chance.random() < 0.03 and second > busy_until:
            record = begun(record, producers, second)
            replay.begun.append(second)
            busy_until = replay.busy_until = second + length
            starts.append(second)
        replay.look(second, is_paused, length)
        if not is_paused:
            updates = {
                port: producers[port.partition("/")[0]].updates.get(port.partition("/")[2], ())
                for port in (A, B)
            }
            seen = record.updates_seen_by("job")
            running = second <= busy_until
            decision = decide(rule, updates, seen, at(second), is_running=running)
            if decision.action == "run":
                record = begun(record, producers, second)
                busy_until = second + length
                starts.append(second)
            elif decision.action == "skip":
                passed = Start(moment=at(second), run_id="", seen=decision.updates)
                record = record.with_start("job", passed)
    assert starts == replay.begun


def begun(record: ProductRecord, producers: dict[str, ProductRecord], second: int) -> ProductRecord:
    seen = {
        found[-1].port_in_epoch(f"{product}/{name}"): found[-1].number
        for product, each in producers.items()
        for name, found in each.updates.items()
    }
    return record.with_start("job", Start(moment=at(second), run_id=str(second), seen=seen))
