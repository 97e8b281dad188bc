"""What a guarded program leaves behind when the process that started it is killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from wait_for import wait_for

from floe_core.foundation.child_processes import start_guarded
from floe_core.plugin_api.launched_run.launch import end_served

# Starts a guarded program, and passes on what it prints.
STARTER = """
import os, sys
from pathlib import Path
from floe_core.foundation.child_processes import start_guarded
program = start_guarded([sys.executable, "-c", sys.argv[1]], Path.cwd(), os.environ)
for line in program.stdout:
    print(line, end="", flush=True)
"""
# Prints the ids of a child and of a daemon, whose parent has ended, with a child of its own.
PROGRAM = """
import subprocess, sys, time
sleep = "import time; time.sleep(600)"
daemon = f'''
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {sleep!r}])
print(os.getpid(), child.pid, flush=True)
child.wait()
'''
starter = f'''
import subprocess, sys
subprocess.Popen([sys.executable, "-c", {daemon!r}], start_new_session=True)
'''
print(subprocess.Popen([sys.executable, "-c", sleep]).pid, flush=True)
subprocess.run([sys.executable, "-c", starter])
time.sleep(600)
"""
SLEEPS = "import time; time.sleep(600)"
# The guard adopts a process whose parent has ended; both end before the program does.
LEAVES_AN_ORPHAN = """
import os, time
if os.fork() == 0:
    if os.fork() == 0:
        time.sleep(0.5)
    os._exit(7)
time.sleep(1)
os._exit(5)
"""


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt orphans")
def test_nothing_outlives_a_starter_that_is_killed_daemons_included(tmp_path: Path) -> None:
    words = [sys.executable, "-c", STARTER, PROGRAM]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        [child] = starter.stdout.readline().split()
        daemon = starter.stdout.readline().split()
        processes = [psutil.Process(int(each)) for each in (child, *daemon)]
        assert len(processes) == 3
        starter.kill()
    wait_for(lambda: not any(map(is_alive, processes)))


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("raise SystemExit(3)", 3),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -15),
        (LEAVES_AN_ORPHAN, 5),
    ],
    ids=["exits", "is killed", "leaves an orphan"],
)
def test_the_exit_code_is_that_of_the_program(tmp_path: Path, program: str, code: int) -> None:
    with start_guarded([sys.executable, "-c", program], tmp_path, {}) as guarded:
        assert guarded.wait(30) == code


def test_a_served_program_whose_guard_was_killed_is_ended(tmp_path: Path) -> None:
    """A server would keep its port, so that no other one could be started."""
    program = f"import subprocess; subprocess.run([{sys.executable!r}, '-c', {SLEEPS!r}])"
    guard = start_guarded([sys.executable, "-c", program], tmp_path, os.environ)
    own = psutil.Process(guard.pid)
    wait_for(lambda: len(own.children(recursive=True)) == 2)
    processes = own.children(recursive=True)
    guard.kill()
    guard.wait()
    end_served(guard)
    wait_for(lambda: not any(map(is_alive, processes)))
