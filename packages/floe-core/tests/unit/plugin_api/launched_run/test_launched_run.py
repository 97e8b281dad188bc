"""A launched run, with a small program of the tests' own in place of an orchestrator."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from small_artifacts import small_node, small_product
from wait_for import wait_for

from floe_core.foundation.errors import UsageError
from floe_core.plugin_api.launched_run.launch import LaunchedRun, order_for, started_run
from floe_core.plugin_api.launched_run.run_order import RunEnd, RunOrder
from floe_core.plugin_api.launched_run.run_process import RunProgram
from floe_core.plugin_api.powers import RunOptions
from floe_core.runs.build_events import BuildEvent, NodeLog, NodeResult
from floe_core.runs.run_parameters import RunParameters, TimeRange
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job

MODEL = "model.shop.a"
RESULT = NodeResult(MODEL, "success", 0.5, ended_at=datetime(2026, 3, 1, tzinfo=UTC))

# Does what the option `vars` says, between its first event and its end. Its child is to go with it.
PROGRAM = """
import os, subprocess, sys, time
from datetime import UTC, datetime

from floe_core.runs.build_events import NodeLog, NodeResult
from floe_core.plugin_api.launched_run.run_report import emit
from floe_core.plugin_api.launched_run.run_order import await_order, import_needed
from floe_core.plugin_api.launched_run.run_report import ParentWatch
from floe_core.plugin_api.launched_run.run_order import RunEnd
from floe_core.plugin_api.launched_run.run_report import reporting_to_parent

import_needed()
order = await_order()
said = dict(order.options.parameters.vars)
watch = ParentWatch(600.0 if said.get("is_patient") else 1.0)
with reporting_to_parent() as reporter:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print("a library prints this", flush=True)
    try:
        emit(NodeLog("", "info", f"{os.getpid()} {child.pid}"))
        if said.get("dies"):
            sys.exit("out of memory")
        with watch.announcing(lambda: emit(NodeLog("", "info", "announced"))):
            while said.get("hangs"):
                time.sleep(0.01)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        while said.get("is_stuck"):
            time.sleep(0.01)
        sys.exit(1)
    ended_at = datetime(2026, 3, 1, tzinfo=UTC)
    emit(NodeResult("model.shop.a", "success", 0.5, ended_at=ended_at))
    status = "success" if list(reporter.results) == ["model.shop.a"] else "failed"
    reporter.report_end(RunEnd(status, order.run_id, 1.5, order.options.job))
"""


@pytest.fixture
def program(tmp_path: Path) -> RunProgram:
    (tmp_path / "program.py").write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    return RunProgram("Paper", "program", tmp_path, environment, patience=10.0)


def order_to(**said: bool) -> RunOrder:
    return RunOrder("/shop", "run-1", RunOptions("shop", parameters=RunParameters(vars=said)))


def run_ordered(
    program: RunProgram, order: RunOrder, logs: Path, on_event: Callable[[BuildEvent], None]
) -> LaunchedRun:
    with started_run(program, order.run_id, logs) as run:
        return run.follow(order, on_event)


def pids_in(events: list[BuildEvent]) -> list[int]:
    first = events[0]
    assert isinstance(first, NodeLog)
    return [int(pid) for pid in first.text.split()]


def wait_until_gone(*pids: int) -> None:
    """Wait until these processes are over; a zombie is."""
    wait_for(lambda: not any(map(_is_alive, pids)))


def _is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_run_reports_its_events_and_its_end_and_leaves_no_process(
    program: RunProgram, tmp_path: Path
) -> None:
    events: list[BuildEvent] = []
    run = run_ordered(program, order_to(), tmp_path, events.append)
    assert (run.nodes, run.end, run.problem) == (
        {MODEL: RESULT},
        RunEnd("success", "run-1", 1.5, "shop"),
        "",
    )
    assert events[1:] == [RESULT]
    assert run.log == tmp_path / "run-1.log"
    assert run.log.read_text() == "a library prints this\n"
    wait_until_gone(*pids_in(events))


def test_a_process_that_dies_is_told_with_what_it_wrote(
    program: RunProgram, tmp_path: Path
) -> None:
    events: list[BuildEvent] = []
    run = run_ordered(program, order_to(dies=True), tmp_path, events.append)
    assert (run.end, run.problem) == (
        None,
        f"Paper's process ended with 1 before the run did; {run.log} ends with\n"
        "a library prints this\nout of memory",
    )
    wait_until_gone(*pids_in(events))


def test_a_program_that_is_not_there_is_told_as_well(program: RunProgram, tmp_path: Path) -> None:
    absent = replace(program, module="no_such_program")
    run = run_ordered(absent, order_to(), tmp_path, lambda event: None)
    assert run.problem.endswith("No module named no_such_program")


def wait_for_text(file: Path, text: str) -> None:
    wait_for(lambda: file.exists() and text in file.read_text())


def test_a_process_imports_what_its_run_needs_before_it_has_its_order(
    program: RunProgram, tmp_path: Path
) -> None:
    (tmp_path / "needed.py").write_text("print('imported', flush=True)")
    early = replace(program, imports=("no_such_module", "needed"))
    with started_run(early, "run-1", tmp_path) as run:
        wait_for_text(tmp_path / "run-1.log", "imported")
        assert run.run_id == "run-1"
        followed = run.follow(order_to(), lambda event: None)
    assert followed.end == RunEnd("success", "run-1", 1.5, "shop")


@pytest.mark.timeout(120)
def test_a_process_without_an_order_ends_with_the_block(
    program: RunProgram, tmp_path: Path
) -> None:
    needed = "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)"
    (tmp_path / "needed.py").write_text(needed)
    early = replace(program, imports=("needed",), patience=600.0)
    log = tmp_path / "run-1.log"
    with started_run(early, "run-1", tmp_path):
        wait_for_text(log, "\n")
        [pid] = map(int, log.read_text().split())
    wait_until_gone(pid)


def test_a_process_that_ends_before_its_order_is_told_with_what_it_wrote(
    program: RunProgram, tmp_path: Path
) -> None:
    (tmp_path / "needed.py").write_text("raise SystemExit('no room')")
    early = replace(program, imports=("needed",))
    with started_run(early, "run-1", tmp_path) as run:
        wait_for_text(tmp_path / "run-1.log", "no room")
        followed = run.follow(order_to(), lambda event: None)
    assert followed.end is None
    assert followed.problem.startswith("Paper's process ended with 1 before the run did; ")
    assert followed.problem.endswith("no room")


@pytest.mark.parametrize("is_stuck", [False, True])
def test_a_launch_that_is_broken_off_interrupts_the_run_and_leaves_no_process(
    is_stuck: bool, program: RunProgram, tmp_path: Path
) -> None:
    events: list[BuildEvent] = []

    def break_off(event: BuildEvent) -> None:
        events.append(event)
        raise KeyboardInterrupt

    order = order_to(hangs=True, is_stuck=is_stuck)
    with pytest.raises(KeyboardInterrupt):
        run_ordered(program, order, tmp_path, break_off)
    assert (tmp_path / "run-1.log").read_text() == "a library prints this\ninterrupted\n"
    wait_until_gone(*pids_in(events))


@pytest.mark.timeout(120)
def test_a_launch_does_not_wait_for_ever(program: RunProgram, tmp_path: Path) -> None:
    def break_off(event: BuildEvent) -> None:
        raise KeyboardInterrupt

    impatient = replace(program, patience=0.1)
    order = order_to(hangs=True, is_stuck=True, is_patient=True)
    with pytest.raises(KeyboardInterrupt):
        run_ordered(impatient, order, tmp_path, break_off)


LAUNCHER = """
import os, sys
from pathlib import Path
from floe_core.plugin_api.launched_run.launch import started_run
from floe_core.plugin_api.launched_run.run_order import RunOrder
from floe_core.plugin_api.launched_run.run_process import RunProgram

folder = Path(sys.argv[1])
program = RunProgram("Paper", "program", folder, os.environ, patience=10.0)
order = RunOrder.from_line(sys.argv[2])
with started_run(program, order.run_id, folder) as run:
    run.follow(order, lambda event: print(event.text, flush=True))
"""


def killed_launcher(
    program: RunProgram, folder: Path, text: str, order: RunOrder
) -> tuple[int, int]:
    """Let a launcher start a run, and kill it; return the ids of the run and of its child."""
    command = [sys.executable, "-c", text, str(folder), order.to_line()]
    with subprocess.Popen(
        command, env=program.environment, stdout=subprocess.PIPE, text=True
    ) as launcher:
        assert launcher.stdout is not None
        own, child = map(int, launcher.stdout.readline().split())
        launcher.kill()
    return own, child


@pytest.mark.parametrize("is_stuck", [False, True])
def test_a_launcher_that_is_killed_takes_the_run_with_it(
    is_stuck: bool, program: RunProgram, tmp_path: Path
) -> None:
    order = order_to(hangs=True, is_stuck=is_stuck)
    own, child = killed_launcher(program, tmp_path, LAUNCHER, order)
    wait_until_gone(own)
    if is_stuck:
        wait_until_gone(child)
    else:
        # It ended by itself; what it started is its own to end.
        os.kill(child, 9)


def test_a_launcher_that_a_script_started_in_the_background_interrupts_its_run_as_well(
    program: RunProgram, tmp_path: Path
) -> None:
    """A shell that is not interactive has such a command ignore interrupts."""
    ignoring = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    own, child = killed_launcher(program, tmp_path, ignoring + LAUNCHER, order_to(hangs=True))
    wait_until_gone(own)
    os.kill(child, 9)
    assert (tmp_path / "run-1.log").read_text().endswith("interrupted\n")


def test_an_interrupt_is_announced_before_it_comes(program: RunProgram, tmp_path: Path) -> None:
    order = order_to(hangs=True)
    with (tmp_path / "told").open("w+b") as told:
        process = subprocess.Popen(
            [sys.executable, "-m", "program", str(told.fileno())],
            env=program.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(told.fileno(),),
            start_new_session=True,
        )
        assert process.stdin is not None
        process.stdin.write(order.to_line().encode() + b"\n")
        process.stdin.flush()
        assert process.stdout is not None
        process.stdout.readline()
        wait_for(lambda: Path(told.name).read_bytes() != b"")
        process.stdin.close()
        process.wait()
        os.killpg(process.pid, 9)
        process.stdout.close()
        assert b'"text": "announced"' in Path(told.name).read_bytes().splitlines()[1]


@pytest.mark.parametrize(
    "options",
    [
        RunOptions("shop"),
        RunOptions("shop", node_ids=()),
        RunOptions(
            "shop",
            node_ids=(MODEL,),
            nominal_time=datetime(2026, 3, 1, 6, tzinfo=UTC),
            range=TimeRange(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)),
            parameters=RunParameters(
                vars={"limit": 3, "deep": {"list": [1]}}, full_refresh=True, select="a b"
            ),
        ),
    ],
)
def test_an_order_is_read_as_it_was_written(options: RunOptions) -> None:
    order = RunOrder("/shop", "run-1", options)
    assert RunOrder.from_line(order.to_line()) == order


@pytest.fixture
def artifacts(tmp_path: Path) -> CompiledArtifacts:
    return small_product(
        small_node("model", "a"), name="web-shop", jobs=(Job(name="shop"),)
    ).bound_to(tmp_path)


def test_each_order_has_a_run_id_of_its_own(artifacts: CompiledArtifacts, tmp_path: Path) -> None:
    options = RunOptions("shop", node_ids=(MODEL,))
    one, other = order_for(artifacts, options), order_for(artifacts, options)
    assert (one.project_dir, one.options) == (str(tmp_path), options)
    assert one.run_id != other.run_id


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            RunOptions("shop", node_ids=()),
            "the selection holds no node, so there is nothing to run",
        ),
        (RunOptions("shop", node_ids=(MODEL, "model.x")), "web-shop runs no node model.x"),
        (RunOptions("none"), "web-shop has no job 'none'; its jobs are shop"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_starts(
    options: RunOptions, message: str, artifacts: CompiledArtifacts
) -> None:
    with pytest.raises(UsageError) as refused:
        order_for(artifacts, options)
    assert str(refused.value) == message
