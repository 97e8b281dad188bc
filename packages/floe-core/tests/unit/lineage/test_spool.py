from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from floe_core.storage.spooling.spool import Spool

WRITER = """
import sys
from pathlib import Path
from floe_core.storage.spooling.spool import Spool
spool = Spool(Path(sys.argv[1]))
number = 0
while len(sys.argv) < 4 or number < int(sys.argv[3]):
    spool.append({"writer": sys.argv[2], "number": number, "padding": "x" * 20_000})
    print(number, flush=True)
    number += 1
"""


def writer(project_dir: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(project_dir), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def numbers(project_dir: Path, name: str) -> list[int]:
    events = [json.loads(path.read_text("utf-8")) for path in Spool(project_dir).list_waiting()]
    return [event["number"] for event in events if event["writer"] == name]


def test_events_wait_in_the_order_they_were_written(project_dir: Path) -> None:
    spool = Spool(project_dir)
    paths = [spool.append({"number": number}) for number in range(50)]
    assert spool.list_waiting() == paths
    assert [json.loads(path.read_text()) for path in paths] == [{"number": n} for n in range(50)]


def test_a_clock_set_back_does_not_change_the_order(
    project_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(project_dir)
    first = spool.append({})
    monkeypatch.setattr(time, "time_ns", lambda: 1)
    second = spool.append({})
    assert spool.list_waiting() == [first, second]


def test_a_killed_writer_loses_nothing_it_had_written(project_dir: Path) -> None:
    process = writer(project_dir, "a")
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(40)]
    process.send_signal(signal.SIGKILL)
    told += [int(line) for line in process.stdout.read().splitlines()]
    process.wait()
    found = numbers(project_dir, "a")
    assert found[: len(told)] == told
    assert len(found) <= len(told) + 1


def test_several_processes_write_to_one_spool(project_dir: Path) -> None:
    names = ["a", "b", "c"]
    processes = [writer(project_dir, name, "40") for name in names]
    for process in processes:
        process.communicate(timeout=60)
    assert [numbers(project_dir, name) for name in names] == [list(range(40))] * 3


def test_unfinished_files_are_no_events_and_go_away_when_old(project_dir: Path) -> None:
    spool = Spool(project_dir)
    spool.append({})
    (young, old) = (spool.waiting_folder / f".unfinished-{n}.json" for n in "ab")
    for path in (young, old):
        path.write_text("{")
    os.utime(old, (0, 0))
    assert len(spool.list_waiting()) == 1
    spool.remove_abandoned()
    assert (young.exists(), old.exists()) == (True, False)


def test_a_refused_event_is_set_aside_with_the_reason(project_dir: Path) -> None:
    spool = Spool(project_dir)
    path = spool.append({"n": 1})
    spool.refuse(path, "because")
    assert spool.list_waiting() == []
    assert [json.loads(aside.read_text()) for aside in spool.list_refused()] == [
        {"reason": "because", "event": {"n": 1}}
    ]
