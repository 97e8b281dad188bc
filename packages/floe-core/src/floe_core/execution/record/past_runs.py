"""The journals of past runs: sum up what they built and reused, and remove old ones."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from urllib.parse import unquote

from floe_core.execution.record.journal import FILE, RunRecord, last_event, read_events
from floe_core.foundation.errors import FloeError
from floe_core.runs.build_events import BuildEnded, NodeResult
from floe_core.storage.state_folder import runs_place


@dataclass(frozen=True, slots=True)
class RunSaving:
    """What one run built and reused; nodes are counted by their last results.

    `ended_at` is when its last event was written, an aware UTC time. `build_seconds` is the time
    of the nodes that it ran, `saved_seconds` the time that its reused nodes took when they were
    built, `saved_rows` how many rows those have, not counting views.
    """

    run_id: str
    ended_at: datetime
    built: int
    reused: int
    build_seconds: float
    saved_seconds: float
    saved_rows: int


def savings_of_runs(project_dir: Path, last: int | None = None) -> list[RunSaving]:
    """Return the savings of runs with results on this machine, oldest first; the `last` so many."""
    paths = runs_place(project_dir).glob(f"*/{FILE}")
    newest = sorted(((path.stat().st_mtime, path) for path in paths), reverse=True)
    found: list[RunSaving] = []
    for modified, path in newest:
        if last is not None and len(found) == last:
            break
        run_id = unquote(path.parent.name)
        results = RunRecord.of(read_events(project_dir, run_id)).results.values()
        if results:
            found.append(saving_of(run_id, datetime.fromtimestamp(modified, UTC), [*results]))
    return found[::-1]


def saving_of(run_id: str, ended_at: datetime, results: list[NodeResult]) -> RunSaving:
    """Return what a run with these results, one for each node, built and reused."""
    ran = [each for each in results if each.status not in ("reused", "skipped")]
    reused = [each for each in results if each.status == "reused"]
    return RunSaving(
        run_id,
        ended_at,
        built=len(ran),
        reused=len(reused),
        build_seconds=round(sum(each.seconds for each in ran), 2),
        saved_seconds=round(sum(each.reused.seconds for each in reused if each.reused), 2),
        saved_rows=sum(each.reused.rows or 0 for each in reused if each.reused),
    )


KEEP_VARIABLE = "FLOE_KEEP_RUNS"
_DEFAULT = 100
# A retry by the orchestrator, or another build of the same run, may follow.
_NEVER_BEFORE_SECONDS = 3600
# A person may still retry what has failed.
_FAILED_SECONDS = 30 * 86_400


@dataclass(frozen=True, slots=True)
class _Run:
    """The folders of a run's builds, and when one of them was last written to."""

    folders: tuple[Path, ...]
    written_at: float

    def has_succeeded(self) -> bool:
        with suppress(OSError, FloeError):
            ends = [last_event(folder / FILE) for folder in self.folders]
            return all(isinstance(end, BuildEnded) and end.succeeded for end in ends)
        return False


def remove_old_runs(project_dir: Path) -> None:
    """Keep the newest runs, and as many of the newest that failed or are under way.

    `FLOE_KEEP_RUNS` says how many, 100 if it is not set; "all" keeps all. What cannot be read or
    removed stays.
    """
    text = os.environ.get(KEEP_VARIABLE, "") or str(_DEFAULT)
    if not text.isdecimal():
        return
    with suppress(OSError, FloeError):
        runs = sorted(_runs(runs_place(project_dir)), key=lambda run: run.written_at, reverse=True)
        for run in _superfluous(runs, int(text), time.time()):
            for folder in run.folders:
                shutil.rmtree(folder, ignore_errors=True)


def _superfluous(runs: list[_Run], kept: int, now: float) -> Iterator[_Run]:
    failed = 0
    for run in runs[kept:]:
        age = now - run.written_at
        if age < _NEVER_BEFORE_SECONDS:
            continue
        if age < _FAILED_SECONDS and failed < kept and not run.has_succeeded():
            failed += 1
            continue
        yield run


def _runs(place: Path) -> Iterator[_Run]:
    """Yield the runs. Ids of builds of one run are equal up to a dot."""
    with os.scandir(place) as entries:
        names = sorted(each.name for each in entries if each.is_dir(follow_symlinks=False))
    for _, builds in groupby(names, lambda name: name.partition(".")[0]):
        folders = tuple(place / name for name in builds)
        yield _Run(folders, max(map(_written_at, folders)))


def _written_at(folder: Path) -> float:
    try:
        return (folder / FILE).lstat().st_mtime
    except FileNotFoundError:
        return folder.lstat().st_mtime
