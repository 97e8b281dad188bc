"""The record of a run, when what wrote it was killed or the disk was full."""

from __future__ import annotations

from pathlib import Path

import pytest

from floe_core.execution.record.journal import Journal, read_events
from floe_core.runs.build_events import BuildEnded, NodeResult, to_line
from floe_core.storage.state_folder import run_folder

FIRST, SECOND = NodeResult("model.a", "success"), NodeResult("model.b", "error")


@pytest.mark.parametrize("cut", [1, 20, 40])
def test_a_torn_last_line_is_no_event_and_what_follows_is_whole(tmp_path: Path, cut: int) -> None:
    path = run_folder(tmp_path, "run") / "events.jsonl"
    path.write_text(to_line(FIRST) + "\n" + to_line(SECOND)[:cut])
    assert read_events(tmp_path, "run") == [FIRST]
    with Journal(tmp_path, "run") as journal:
        journal.write(SECOND)
        journal.write(BuildEnded(False))
    assert read_events(tmp_path, "run") == [FIRST, SECOND, BuildEnded(False)]


def test_a_letter_cut_in_two_is_no_event(tmp_path: Path) -> None:
    path = run_folder(tmp_path, "run") / "events.jsonl"
    line = to_line(NodeResult("model.a", "error", message="größer")).encode()
    path.write_bytes(to_line(FIRST).encode() + b"\n" + line[: line.index(b"\xc3") + 1])
    with Journal(tmp_path, "run") as journal:
        journal.write(SECOND)
    assert read_events(tmp_path, "run") == [FIRST, SECOND]
