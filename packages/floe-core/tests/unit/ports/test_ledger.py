"""The ledger in each of its places: nothing is lost, whoever writes at the same time or is killed."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg2
import pytest
from exclusive_files import SCHEME
from fsspec.core import url_to_fs
from own_database import SERVER, own_database
from s3_server import BUCKET, s3_server

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.ports.decision import updates_in
from floe_core.ports.ledger import Ledger
from floe_core.ports.record import KEPT, ProductRecord, Update
from floe_core.ports.watch import TriggeredJob, look_in
from floe_core.schemas.ports import UpdateTrigger
from floe_core.storage.shared_text import shared_text

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WRITER = Path(__file__).with_name("ledger_writer.py")


@pytest.fixture(params=["folder", "url", pytest.param("s3", marks=pytest.mark.long), "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "folder":
        (tmp_path / "ledger").mkdir()
        yield str(tmp_path / "ledger")
    elif request.param == "url":
        yield f"{SCHEME}://{tmp_path}/ledger"
    elif request.param == "s3":
        with s3_server():
            yield f"s3://{BUCKET}/ledger"
    else:
        with own_database() as name:
            user, password = SERVER["user"], SERVER["password"]
            yield f"postgresql://{user}:{password}@{SERVER['host']}:{SERVER['port']}/{name}"


def update(run_id: str, attempt: int = 1) -> Update:
    return Update(number=0, moment=NOW, run_id=run_id, attempt=attempt)


def last_numbers(ledger: Ledger) -> dict[str, int]:
    return {port: last.number for port, last in ledger.last_updates(["crm/a@1"]).items()}


def test_updates_are_numbered_for_each_port(place: str) -> None:
    ledger = Ledger(place)
    assert ledger.updates(["crm/a@1"]) == {"crm/a@1": ()}
    ledger.add_updates("crm", ["a@1"], update("r1"))
    ledger.add_updates("crm", ["a@1", "b@1"], update("r2"))
    ledger.add_updates("shop", ["a@1"], update("r3"))
    found = ledger.updates(["crm/a@1", "crm/b@1", "shop/a@1"])
    numbers = {port: [(u.number, u.run_id) for u in each] for port, each in found.items()}
    assert numbers == {
        "crm/a@1": [(1, "r1"), (2, "r2")],
        "crm/b@1": [(1, "r2")],
        "shop/a@1": [(1, "r3")],
    }


def test_an_attempt_updates_once_and_a_later_one_again(place: str) -> None:
    ledger = Ledger(place)
    for attempt in (1, 1, 2):
        ledger.add_updates("crm", ["a@1"], update("r", attempt))
    assert last_numbers(ledger) == {"crm/a@1": 2}


def test_a_run_begins_once_with_the_same_updates(place: str) -> None:
    ledger = Ledger(place)
    ports = {"crm/a@1": 1}
    assert ledger.begin("marts", "marts", "first", ports, NOW, ports)
    assert ledger.begin("marts", "marts", "first", ports, NOW, ports), "its own retry"
    assert not ledger.begin("marts", "marts", "second", ports, NOW, ports)
    assert ledger.begin("marts", "marts", "by hand", ports, NOW, {})
    assert ledger.begin("marts", "marts", "third", {"crm/a@1": 2}, NOW, {"crm/a@1": 2})
    assert [s.run_id for s in ledger.read("marts").starts["marts"]] == ["first", "by hand", "third"]


def test_what_was_seen_stays_seen_when_old_starts_are_forgotten(place: str) -> None:
    ledger = Ledger(place)
    ledger.begin("marts", "marts", "first", {"crm/a@1": 9}, NOW, {})
    for number in range(KEPT + 1):
        ledger.begin("marts", "marts", f"r{number}", {"crm/b@1": number}, NOW, {})
    record = ledger.read("marts")
    assert len(record.starts["marts"]) == KEPT
    assert record.updates_seen_by("marts") == {"crm/a@1": 9, "crm/b@1": KEPT}


def test_a_record_that_begins_again_has_other_numbers(place: str) -> None:
    ledger, text = Ledger(place), shared_text(place, "crm")
    for number in range(5):
        ledger.add_updates("crm", ["a@1"], update(f"r{number}"))
    assert run_for(ledger) is not None
    backup = lose(place, "crm")
    assert run_for(ledger) is None
    ledger.add_updates("crm", ["a@1"], update("r6"))
    assert run_for(ledger) is not None, "number 1 is new, although 5 was seen"
    assert run_for(ledger) is None
    # The record comes back, as from a backup: what was seen of it stays seen.
    text.change(lambda _: backup)
    assert run_for(ledger) is None


def test_a_record_from_an_older_backup_is_new_to_a_job_that_has_seen_more(place: str) -> None:
    ledger, text = Ledger(place), shared_text(place, "crm")
    keys, count = [], 0

    def add(times: int) -> None:
        nonlocal count
        for _ in range(times):
            count += 1
            ledger.add_updates("crm", ["a@1"], update(f"r{count}"))

    add(3)
    backup = text.read()
    add(2)
    keys.append(run_for(ledger))
    for _ in range(2):
        text.change(lambda _: backup or b"")
        keys += [run_for(ledger), run_for(ledger)]
        for _ in range(4):
            add(1)
            keys += [run_for(ledger), run_for(ledger)]
    assert keys[2::2] == [None] * (len(keys) // 2)
    assert [updates_in(key or "") for key in keys[1::2]] == [
        {f"crm/a@1~{epoch}": number}
        for epoch in (f"{ledger.read('crm').epoch}r", f"{ledger.read('crm').epoch}rr")
        for number in (3, 4, 5, 6, 7)
    ]
    started = [key for key in keys if key]
    assert len({*started}) == len(started), "no orchestrator takes one for another"


def test_a_job_whose_own_record_begins_again_has_other_keys(place: str) -> None:
    ledger = Ledger(place)
    ledger.add_updates("crm", ["a@1"], update("r"))
    first = run_for(ledger)
    lose(place, "marts")
    second = run_for(ledger)
    assert first is not None
    assert second is not None
    assert first != second
    assert updates_in(first) == updates_in(second)


def test_a_record_of_an_older_floe_is_continued(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    moment = NOW.isoformat()
    seen = {"crm/a@1": 5}
    for name, old in {
        "crm": {"updates": {"a@1": [{"number": 5, "moment": moment, "run_id": "r"}]}},
        "marts": {"starts": {"marts": [{"moment": moment, "run_id": "m", "seen": seen}]}},
    }.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(old))
    assert run_for(ledger) is None
    ledger.add_updates("crm", ["a@1"], update("s"))
    assert run_for(ledger) == "crm/a@1#6"


def lose(place: str, product: str) -> bytes:
    """Remove a record from the ledger, and return what it was."""
    content = shared_text(place, product).read()
    assert content is not None
    if place.startswith("postgresql://"):
        with (
            closing(psycopg2.connect(place)) as connection,
            connection,
            connection.cursor() as told,
        ):
            told.execute("delete from floe_shared_text where name = %s", (product,))
    elif "://" in place:
        files, root = url_to_fs(place)
        files.rm(f"{root}/{product}", recursive=True)
        files.invalidate_cache()
    else:
        (Path(place) / f"{product}.json").unlink()
    assert Ledger(place).read(product) == ProductRecord()
    return content


def run_for(ledger: Ledger) -> str | None:
    """Return the key of the run that the updates of a port start, and begin it; None for no run."""
    job = TriggeredJob("marts", "marts", UpdateTrigger(on_update="all", ports=("crm/a@1",)))
    decision = look_in(ledger, job, NOW)
    if decision.action != "run":
        return None
    updates = updates_in(decision.key)
    assert ledger.begin("marts", "marts", decision.key, updates, NOW, updates)
    return decision.key


def test_a_producer_whose_clock_is_ahead_does_not_make_a_job_wait_longer(tmp_path: Path) -> None:
    ledger, wait = Ledger(str(tmp_path)), timedelta(minutes=10)
    rule = UpdateTrigger(on_update="all", ports=("crm/a@1", "crm/b@1"), wait_seconds=600)
    job = TriggeredJob("marts", "marts", rule)
    for round_ in range(2):
        begin = NOW + round_ * timedelta(hours=1)
        for minutes in (0, 5):
            ahead = update(f"{begin}, {minutes}").model_copy(
                update={"moment": begin + timedelta(days=1, minutes=minutes)}
            )
            ledger.add_updates("crm", ["a@1"], ahead)
            waiting = look_in(ledger, job, begin + timedelta(minutes=minutes))
            assert (waiting.action, waiting.until) == ("wait", begin + wait)
        due = look_in(ledger, job, begin + wait)
        assert (due.action, due.until) == ("run", begin + wait)
        ledger.begin("marts", "marts", due.key, due.updates, begin + wait, due.updates)
        assert look_in(ledger, job, begin + 2 * wait).action == "wait"
    assert ledger.read("marts").noticed == {}


def test_environments_do_not_see_each_other(place: str) -> None:
    Ledger(place, "staging").add_updates("crm", ["a@1"], update("r"))
    assert last_numbers(Ledger(place)) == {}
    assert last_numbers(Ledger(place, "staging")) == {"crm/a@1": 1}


@pytest.mark.long
def test_two_writers_lose_nothing_though_one_is_killed_again_and_again(place: str) -> None:
    chance = random.Random(place)
    # A round takes ten times as long in moto's S3 as in a folder.
    rounds, most_lines = (30, 8) if place.startswith("s3://") else (200, 30)
    steady = written_by(place, "steady", 0, rounds)
    begin, acknowledged, kills = 0, 0, 0
    while begin < rounds:
        writer = written_by(place, "killed", begin, rounds)
        assert writer.stdout is not None
        for _ in range(chance.randint(2, most_lines)):
            line = writer.stdout.readline()
            if not line:
                break
            acknowledged = int(line) + 1
        if writer.poll() is None:
            writer.send_signal(signal.SIGKILL)
            kills += 1
        rest = writer.stdout.read().split()
        writer.wait()
        acknowledged = int(rest[-1]) + 1 if rest else acknowledged
        begin = acknowledged
    assert steady.wait(600) == 0
    record = Ledger(place).read("crm")
    own = {port.rpartition("@")[0] for port in record.updates} - {"shared"}
    expected = {f"{name}-{i}" for name in ("steady", "killed") for i in range(rounds)}
    assert kills > 2
    assert expected <= own
    numbers = [each.number for each in record.updates["shared@1"]]
    # A killed writer may have written one that it could not acknowledge. It writes it again, which
    # counts only if the other writer has pushed the first out of what is kept.
    assert 2 * rounds <= numbers[-1] <= 2 * rounds + kills
    assert numbers == list(range(numbers[-1] - KEPT + 1, numbers[-1] + 1))


def written_by(place: str, name: str, begin: int, end: int) -> subprocess.Popen[str]:
    arguments = [place, name, str(begin), str(end)]
    return subprocess.Popen(
        [sys.executable, str(WRITER), *arguments], stdout=subprocess.PIPE, text=True
    )


def test_what_is_no_record_is_refused_and_stays(place: str) -> None:
    ledger, text = Ledger(place), shared_text(place, "crm")
    text.change(lambda _: b'{"updates": 3}')
    told = f"{text.place}: is not a ledger record; move it away to begin a new one"
    for act in (
        lambda: ledger.read("crm"),
        lambda: ledger.add_updates("crm", ["a@1"], update("r")),
    ):
        with pytest.raises(EnvironmentProblemError) as found:
            act()
        assert str(found.value) == told
    assert text.read() == b'{"updates": 3}'


def test_a_database_that_is_away_is_an_error_without_the_password() -> None:
    ledger = Ledger("postgresql://floe:hunter2@127.0.0.1:1/none")
    with pytest.raises(EnvironmentProblemError) as found:
        ledger.read("crm")
    assert "hunter2" not in str(found.value)
    assert "127.0.0.1" in str(found.value)
