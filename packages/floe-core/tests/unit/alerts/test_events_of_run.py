"""What the end of a run is worth telling, held against a count by hand over histories of runs."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from floe_core.alerts.run_outcome import (
    OpenFailure,
    RunOutcome,
    failure_after,
    is_whole_and_green,
    kinds_of,
)
from floe_core.runs.build_events import NodeResult, NodeStatus
from floe_core.runs.run_parameters import RunParameters

A, B = "model.s.a", "model.s.b"


def outcome(succeeded: bool, repeated: bool = False, **statuses: NodeStatus) -> RunOutcome:
    results = {f"model.s.{n}": NodeResult(f"model.s.{n}", s) for n, s in statuses.items()}
    return RunOutcome("s", "r", succeeded, results, was_repeated=repeated)


def told(*runs: RunOutcome) -> list[tuple[str, ...]]:
    """Return what is told of each of these runs of one job, in their order."""
    failure: OpenFailure | None = None
    found = []
    for run in runs:
        found.append(kinds_of(run, failure))
        failure = failure_after(run, failure)
    return found


GREEN, RED = outcome(True, a="success", b="success"), outcome(False, a="error", b="success")


@pytest.mark.parametrize("length", range(1, 6))
def test_each_red_run_is_a_failure_and_the_first_green_one_after_it_a_recovery(length: int) -> None:
    for history in itertools.product([GREEN, RED], repeat=length):
        expected = [
            ("failure",) if run is RED else (("recovery",) if before is RED else ())
            for before, run in zip([GREEN, *history], history, strict=False)
        ]
        assert told(*history) == expected


def test_a_green_run_of_other_nodes_recovers_nothing() -> None:
    only_b, only_a = outcome(True, b="success"), outcome(True, a="success")
    assert told(RED, only_b, only_a, GREEN) == [("failure",), (), ("recovery",), ()]


def test_nodes_that_failed_in_two_runs_recover_one_after_the_other() -> None:
    red_b = outcome(False, b="error")
    only_b, only_a = outcome(True, b="success"), outcome(True, a="success")
    assert told(RED, red_b, only_b, only_a)[2:] == [(), ("recovery",)]


def test_a_run_whose_nodes_nobody_knows_recovers_the_job() -> None:
    assert told(RED, outcome(True)) == [("failure",), ("recovery",)]
    assert told(outcome(False), outcome(True, b="success")) == [("failure",), ("recovery",)]


def test_a_warning_and_a_repeated_run_warn() -> None:
    assert told(outcome(True, a="warn")) == [("warning",)]
    assert told(outcome(True, repeated=True, a="success")) == [("warning",)]
    assert told(RED, outcome(True, a="warn", b="success")) == [
        ("failure",),
        ("recovery", "warning"),
    ]
    assert told(outcome(False, a="warn", b="error")) == [("failure",)]
    assert told(RED, outcome(True, repeated=True, a="success"))[1] == ("recovery",)


def test_a_run_that_read_no_rows_recovers_nothing_and_meets_no_deadline() -> None:
    empty = replace(GREEN, parameters=RunParameters(empty=True))
    assert told(RED, empty, GREEN) == [("failure",), (), ("recovery",)]
    assert not is_whole_and_green(empty, [A, B])
    assert is_whole_and_green(GREEN, [A, B])


def test_a_run_of_a_selection_whose_nodes_nobody_knows_meets_no_deadline() -> None:
    part = replace(outcome(True), parameters=RunParameters(select="a"))
    assert not is_whole_and_green(part, [A, B])
    assert is_whole_and_green(outcome(True), [A, B])
