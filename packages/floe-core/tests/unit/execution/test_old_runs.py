"""Which runs are kept: the newest, and those that somebody may still retry."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from floe_core.execution.record.journal import Journal
from floe_core.execution.record.past_runs import remove_old_runs
from floe_core.runs.build_events import BuildEnded
from floe_core.storage.state_folder import run_place, runs_place

HOUR, DAY = 3600, 86_400


def record(project_dir: Path, run_id: str, *, age: float, succeeded: bool | None = True) -> None:
    """Record a run that was last written to some seconds ago; one of None has not ended."""
    with Journal(project_dir, run_id) as journal:
        if succeeded is not None:
            journal.write(BuildEnded(succeeded))
    folder = run_place(project_dir, run_id)
    (folder / "attempt-1").mkdir()
    moment = time.time() - age
    os.utime(folder / "events.jsonl", (moment, moment))


def kept(project_dir: Path) -> list[str]:
    return sorted(path.name for path in runs_place(project_dir).iterdir())


@pytest.fixture(autouse=True)
def _keep_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOE_KEEP_RUNS", "2")


def test_the_newest_and_those_of_the_last_hour_are_kept(tmp_path: Path) -> None:
    for number in range(4):
        record(tmp_path, f"young-{number}", age=60)
    for number in range(3):
        record(tmp_path, f"old-{number}", age=2 * HOUR + number)
    remove_old_runs(tmp_path)
    assert kept(tmp_path) == [f"young-{number}" for number in range(4)]


def test_what_failed_or_has_not_ended_is_kept_beside_them_for_a_month(tmp_path: Path) -> None:
    record(tmp_path, "failed-long-ago", age=31 * DAY, succeeded=False)
    record(tmp_path, "failed-first", age=9 * DAY, succeeded=False)
    record(tmp_path, "failed", age=8 * DAY, succeeded=False)
    record(tmp_path, "under-way", age=7 * DAY, succeeded=None)
    for number in range(3):
        record(tmp_path, f"green-{number}", age=2 * DAY + number)
    remove_old_runs(tmp_path)
    assert kept(tmp_path) == ["failed", "green-0", "green-1", "under-way"]


def test_builds_of_one_run_are_kept_together(tmp_path: Path) -> None:
    record(tmp_path, "r.first", age=5 * DAY)
    record(tmp_path, "r.second", age=5 * DAY, succeeded=False)
    record(tmp_path, "s.first", age=4 * DAY)
    record(tmp_path, "s.second", age=2 * DAY)
    for number in range(2):
        record(tmp_path, f"green-{number}", age=DAY)
    remove_old_runs(tmp_path)
    assert kept(tmp_path) == ["green-0", "green-1", "r.first", "r.second"]


def test_all_are_kept_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOE_KEEP_RUNS", "all")
    for number in range(5):
        record(tmp_path, f"green-{number}", age=50 * DAY)
    remove_old_runs(tmp_path)
    assert len(kept(tmp_path)) == 5


def test_a_run_that_cannot_be_read_keeps_no_other(tmp_path: Path) -> None:
    for number in range(5):
        record(tmp_path, f"green-{number}", age=2 * DAY + number)
    journal = run_place(tmp_path, "green-2") / "events.jsonl"
    journal.unlink()
    os.mkfifo(journal)
    os.utime(journal, (time.time() - 2 * DAY - 2,) * 2)
    remove_old_runs(tmp_path)
    assert kept(tmp_path) == ["green-0", "green-1", "green-2"]
