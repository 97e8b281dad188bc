"""An interrupt that comes where Python can't raise it still ends a command."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import signal, sys, time, weakref
from floe_core.cli import main as cli

class Dropped: pass

def interrupt(_):
    signal.raise_signal(signal.SIGINT)

@cli.app.command("wait")
def wait():
    dropped = Dropped()
    kept = weakref.ref(dropped, interrupt)
    del dropped
    print("ignored", flush=True)
    time.sleep(60)

sys.argv = ["floe", "wait"]
cli.main()
"""
OTHER = SCRIPT.replace("signal.raise_signal(signal.SIGINT)", "raise OSError('other')")


def test_an_interrupt_that_python_ignores_comes_again() -> None:
    ended = run(SCRIPT)
    assert (ended.returncode, ended.stdout) == (130, "ignored\n")
    assert "Exception ignored" not in ended.stderr


def test_other_errors_that_python_ignores_are_written_as_before() -> None:
    ended = run(OTHER.replace("sleep(60)", "sleep(0.5)"))
    assert (ended.returncode, ended.stdout) == (0, "ignored\n")
    assert "OSError: other" in ended.stderr


def run(script: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
