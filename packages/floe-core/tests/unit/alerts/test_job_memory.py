"""What is kept between the runs of a job: no more than some days of reported ends."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from floe_core.alerts.job_memory import JobMemory
from floe_core.alerts.notes import FolderNotes, MappedNotes

DAY = 86_400


def test_ends_that_were_reported_long_ago_are_forgotten_in_a_folder(tmp_path: Path) -> None:
    memory, told = JobMemory(FolderNotes(tmp_path)), tmp_path / "told"
    memory.note_failure("shop", None)
    for name, age in {"young": 7 * DAY, "old": 9 * DAY}.items():
        memory.note_reported(name)
        os.utime(told / name, (time.time() - age,) * 2)
    (told / "a folder").mkdir()
    os.utime(told / "a folder", (time.time() - 9 * DAY,) * 2)
    memory.note_reported("new")
    assert sorted(path.name for path in told.iterdir()) == ["a folder", "new", "young"]
    assert [memory.was_reported(each) for each in ("new", "young", "old")] == [True, True, False]


def test_ends_that_were_reported_long_ago_are_forgotten_in_a_store() -> None:
    kept: dict[str, Any] = {"failing/shop.json": {"text": "[]", "at": 0}}
    memory = JobMemory(MappedNotes(kept))
    for name, age in {"young": 7 * DAY, "old": 9 * DAY}.items():
        memory.note_reported(name)
        kept[f"told/{name}"]["at"] -= age
    memory.note_reported("new")
    assert sorted(kept) == ["failing/shop.json", "told/new", "told/young"]
