"""Stores under concurrent writers, killed writers and damaged files."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from own_database import SERVER, own_database

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.reuse import state_store
from floe_core.schedules.claims import Claim, claims_of, record_claim
from floe_core.schedules.schedule_override import ScheduleOverride
from floe_core.schedules.schedule_store import ScheduleStore, store_for, store_of
from floe_core.storage import objects
from floe_core.storage.shared_text import FileText, ObjectsText

CLAIM = Claim(orchestrator="dagster", epoch=1, run="1", at=datetime(2026, 1, 1, tzinfo=UTC))
ENTRY = ScheduleOverride(since=datetime(2026, 1, 1, tzinfo=UTC), removed=True)

# One process that adds entries of its own, one change each.
ADD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from floe_core.schedules.schedule_store import ScheduleStore
from floe_core.schedules.schedule_override import ScheduleOverride
from floe_core.storage.shared_text import FileText
store = ScheduleStore(FileText(Path(sys.argv[1])))
entry = ScheduleOverride(since=datetime.now(UTC), removed=True)
number = 0
print("started", flush=True)
while number < int(sys.argv[3]):
    store.change(lambda kept: {**kept, f"{sys.argv[2]}-{number}": entry})
    number += 1
"""


def store_in(path):
    return ScheduleStore(FileText(path))


def adding(path, name, count):
    process = subprocess.Popen(
        [sys.executable, "-c", ADD, str(path), name, str(count)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"started\n"
    return process


def test_concurrent_processes_lose_nothing(tmp_path):
    path = tmp_path / "schedules.json"
    processes = [adding(path, name, 15) for name in "abcd"]
    assert [process.wait(60) for process in processes] == [0, 0, 0, 0]
    assert set(store_in(path).read()) == {f"{n}-{i}" for n in "abcd" for i in range(15)}


def test_a_writer_killed_anywhere_leaves_old_or_new_and_no_lock(tmp_path):
    path = tmp_path / "schedules.json"
    known = 0
    for round_ in range(6):
        process = adding(path, f"round{round_}", 100_000)
        time.sleep(0.02 + 0.03 * round_)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        kept = store_in(path).read()
        mine = {name for name in kept if name.startswith(f"round{round_}-")}
        assert mine == {f"round{round_}-{i}" for i in range(len(mine))}
        assert len(kept) - len(mine) == known
        known = len(kept)
    store_in(path).change(lambda kept: {**kept, "after": ENTRY})
    assert known > 0
    assert len(store_in(path).read()) == known + 1


def test_a_change_that_fails_leaves_what_was_there(tmp_path):
    store = store_in(tmp_path / "schedules.json")
    store.change(lambda kept: {"a": ENTRY})

    def broken(kept):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.change(broken)
    assert store.read() == {"a": ENTRY}
    store.change(lambda kept: {**kept, "b": ENTRY})
    assert set(store.read()) == {"a", "b"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"jobs": {"a": {"cron": 1}}}'])
def test_a_file_that_holds_something_else_is_refused_by_name(tmp_path, text):
    path = tmp_path / "schedules.json"
    path.write_text(text)
    with pytest.raises(EnvironmentProblemError) as caught:
        store_in(path).read()
    assert str(caught.value).startswith(f"{path} does not hold floe's schedules (")


def test_the_file_is_for_people_to_read(tmp_path):
    store_in(tmp_path / "schedules.json").change(lambda kept: {"a": ENTRY})
    assert json.loads((tmp_path / "schedules.json").read_text()) == {
        "schema_version": "1.0",
        "jobs": {"a": {"since": "2026-01-01T00:00:00Z", "removed": True}},
    }


@pytest.mark.parametrize("version", ["2.0", "1.3", 2])
def test_a_file_of_a_newer_floe_is_refused_and_stays(tmp_path, version):
    path = tmp_path / "schedules.json"
    text = json.dumps({"schema_version": version, "jobs": {"a": {"every": "hour"}}})
    path.write_text(text)
    store = store_in(path)
    for act in (store.read, lambda: store.change(lambda kept: {**kept, "a": ENTRY})):
        with pytest.raises(EnvironmentProblemError) as caught:
            act()
        assert str(caught.value) == (
            f"{path} has schema version {version}, and this floe reads 1.0 to 1.2; install "
            "the floe that wrote it, or remove it for the schedules of floe.yaml"
        )
    assert path.read_text() == text


def test_a_file_without_a_version_is_of_the_first(tmp_path):
    path = tmp_path / "schedules.json"
    path.write_text('{"jobs": {"a": {"since": "2026-01-01T00:00:00Z", "removed": true}}}')
    assert store_in(path).read() == {"a": ENTRY}


def store_at(url):
    return ScheduleStore(ObjectsText(url))


@pytest.fixture
def url():
    import fsspec

    yield "memory://floe-tests/web-shop"
    fsspec.filesystem("memory").rm("/floe-tests", recursive=True)


def test_an_object_store_keeps_what_is_changed(url):
    assert store_at(url).read() == {}
    for number in range(12):
        store_at(url).change(lambda kept, name=str(number): {**kept, name: ENTRY})
    assert set(store_at(url).read()) == {str(number) for number in range(12)}


def test_an_object_store_forgets_old_versions(url, monkeypatch):
    import fsspec

    monkeypatch.setattr(objects, "KEPT_FOR", timedelta(0))
    for number in range(12):
        store_at(url).change(lambda kept, name=str(number): {**kept, name: ENTRY})
    names = fsspec.filesystem("memory").ls("/floe-tests/web-shop", detail=False)
    assert [name.rpartition("/")[2] for name in sorted(names)] == [
        f"{number:012d}.json" for number in range(8, 13)
    ]


def test_of_two_writers_to_an_object_store_the_second_sees_the_first(url):
    store = store_at(url)
    seen = []

    def slowly(kept):
        seen.append(set(kept))
        if len(seen) == 1:
            store_at(url).change(lambda other: {**other, "fast": ENTRY})
        return {**kept, "slow": ENTRY}

    store.change(slowly)
    assert seen == [set(), {"fast"}]
    assert set(store.read()) == {"fast", "slow"}


def test_schedules_and_the_state_of_reuse_may_be_below_one_url(shop, url, monkeypatch):
    for variable in ("FLOE_SCHEDULE_STORE", "FLOE_REUSE_STORE"):
        monkeypatch.setenv(variable, "memory://floe-tests")
    store_of(shop()).change(lambda kept: {"hourly": ENTRY})
    state = state_store.store_of(shop())
    state.change(lambda kept: kept)
    assert (state.problem, store_of(shop()).read()) == ("", {"hourly": ENTRY})


def test_an_unknown_kind_of_url_is_refused_without_its_password():
    with pytest.raises(EnvironmentProblemError) as caught:
        store_at("nosuch://me:s3cret@host/floe").read()
    assert str(caught.value).startswith("nosuch://host/floe: it cannot be opened")
    assert "s3cret" not in str(caught.value)


def test_the_store_is_a_file_in_the_folder_by_default(shop, tmp_path):
    assert store_of(shop()).place == str(tmp_path / "schedules.json")
    assert store_of(shop(folder=None)) is None


def test_setting_and_environment_name_a_folder_or_a_url(shop, tmp_path, monkeypatch):
    shared = shop(schedule_store=str(tmp_path / "shared"))
    assert store_of(shared).place == str(tmp_path / "shared" / "web-shop.schedules.json")
    monkeypatch.setenv("FLOE_SCHEDULE_STORE", "memory://floe-tests/")
    assert store_of(shared).place == "memory://floe-tests/web-shop"
    monkeypatch.setenv("FLOE_SCHEDULE_STORE", f"file://{tmp_path}/there")
    assert store_of(shared).place == str(tmp_path / "there" / "web-shop.schedules.json")


def test_a_folder_that_is_away_does_not_look_like_one_without_schedules(shop, tmp_path):
    folder, product = tmp_path / "shared", shop(schedule_store=str(tmp_path / "shared"))
    why = f"there is no folder {folder}; mount its disk, or create it"
    for act in (
        lambda: store_of(product).read(),
        lambda: store_of(product).change(lambda kept: kept),
        lambda: claims_of(product, "hourly"),
        lambda: record_claim(product, "hourly", CLAIM.at, CLAIM),
    ):
        with pytest.raises(EnvironmentProblemError, match=re.escape(why)):
            act()
    assert not folder.exists()
    folder.mkdir()
    assert (store_of(product).read(), claims_of(product, "hourly")) == ({}, {})


def test_a_store_that_cannot_be_written_says_where_to_keep_it(shop, tmp_path):
    folder = tmp_path / "a-file"
    folder.write_text("")
    with pytest.raises(EnvironmentProblemError) as caught:
        store_of(shop(folder=folder)).change(lambda kept: kept)
    assert str(caught.value) == (
        f"{folder}/schedules.json: cannot be written: [Errno 17] File exists: '{folder}'; name a "
        "folder or URL that can in FLOE_SCHEDULE_STORE"
    )


def test_products_share_a_database_and_do_not_see_each_other(shop, monkeypatch):
    with own_database() as name:
        url = "postgresql://{user}:{password}@{host}:{port}/".format(**SERVER) + name
        monkeypatch.setenv("FLOE_SCHEDULE_STORE", url)
        store = store_of(shop())
        assert store.read() == {}
        store.change(lambda kept: {**kept, "hourly": ENTRY})
        assert store_of(shop()).read() == {"hourly": ENTRY}
        assert store_for("other", {}, None, "").read() == {}
        assert SERVER["password"] not in store.place


def test_a_setting_may_name_a_variable(shop, tmp_path, monkeypatch):
    named = shop(schedule_store="env:SCHEDULES_PLACE")
    with pytest.raises(EnvironmentProblemError) as caught:
        store_of(named)
    assert str(caught.value) == (
        "the store of schedules: `schedule_store`: environment variable SCHEDULES_PLACE is not set"
    )
    monkeypatch.setenv("SCHEDULES_PLACE", str(tmp_path / "shared"))
    assert store_of(named).place == str(tmp_path / "shared" / "web-shop.schedules.json")
