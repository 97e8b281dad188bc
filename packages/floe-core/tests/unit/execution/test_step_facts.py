"""What a step says of its work, in a file of JSON lines."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from floe_core.execution.steps.facts import MAX_BYTES, StepFacts, read_facts
from floe_core.runs.build_events import DatasetFact, NodeResult, from_line, to_line


def read(folder: Path, *lines: str) -> StepFacts:
    path = folder / "facts.jsonl"
    path.write_text("\n".join(lines))
    return read_facts(path, ["raw.orders", "raw.payments"])


def test_facts_are_added_up(tmp_path: Path) -> None:
    facts = read(
        tmp_path,
        '{"dataset": "raw.orders", "rows": 3}',
        '{"dataset": "raw.orders", "rows": 4, "version": "a"}',
        "",
        '{"dataset": "raw.payments", "version": "b"}',
        '{"rows": 2, "message": "two more"}',
        '{"message": "done"}',
    )
    assert facts.problems == []
    assert (facts.rows, facts.message) == (9, "two more; done")
    assert facts.datasets == (
        DatasetFact("raw.orders", 7, "a"),
        DatasetFact("raw.payments", None, "b"),
    )


def test_a_step_that_says_nothing_has_no_facts(tmp_path: Path) -> None:
    assert read_facts(tmp_path / "none.jsonl", ["raw.orders"]) == StepFacts()


def test_a_line_that_is_no_fact_is_left_out_and_named(tmp_path: Path) -> None:
    facts = read(
        tmp_path,
        "rows: 3",
        '{"rows": "3"}',
        '{"rows": -1}',
        '{"row": 3}',
        "[]",
        '{"dataset": "raw.other", "rows": 1}',
        '{"rows": 5}',
        '{"rows": 7',
    )
    assert facts.rows == 6
    assert [problem.partition(":")[0] for problem in facts.problems] == [
        *(f"line {number} of its facts is left out" for number in (1, 2, 3, 4, 5, 8)),
        "its facts name 'raw.other', which it does not write",
    ]


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    facts = read(tmp_path, '{"message": "one\u2028two\x85three"}', '{"rows": 1}\r')
    assert (facts.problems, facts.message, facts.rows) == ([], "one\u2028two\x85three", 1)


def test_a_file_without_end_is_read_in_part(tmp_path: Path) -> None:
    facts = read(tmp_path, *['{"rows": 1}'] * (MAX_BYTES // 6))
    assert facts.rows is not None
    assert 0 < facts.rows <= MAX_BYTES / 12
    assert facts.problems == ["its facts have more than 1,000,000 bytes; the rest is left out"]


def test_facts_survive_the_journal() -> None:
    result = NodeResult("step.shop.load", "success", datasets=(DatasetFact("raw.orders", 3, "a"),))
    assert from_line(to_line(result)) == result
    assert "datasets" not in to_line(NodeResult("model.shop.orders", "success"))


@pytest.mark.timeout(20)
def test_a_pipe_in_the_place_of_the_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "facts")
    found = read_facts(tmp_path / "facts", [])
    assert found.problems == ["its facts can't be read: not a file"]
