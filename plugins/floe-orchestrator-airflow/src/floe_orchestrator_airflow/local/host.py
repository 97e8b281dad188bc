"""The process that runs a local Airflow: one import, and a fork for each of its components.

It runs as long as its standard input is open, so that it ends with the process that started it,
however that ends. The first message on standard input says that the DAG files are ready to be read.
Its components end with it in the same way: each reads a pipe that only this process holds open.
Started as `python -m floe_orchestrator_airflow.local.host`.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from importlib.metadata import entry_points, version
from pathlib import Path

from floe_core.foundation.garbage_collection import collector_at_rest
from floe_core.plugin_api.launched_run.empty_database import EmptyDatabase
from floe_orchestrator_airflow.local.components import (
    answers,
    end_descendants,
    kill_descendants,
    write_components,
)
from floe_orchestrator_airflow.local.home import DATABASE
from floe_orchestrator_airflow.local.internals import (
    build_execution_api,
    end_unfinished_runs,
    import_what_components_share,
    let_scheduler_rest,
)

# Component -> the arguments of `airflow` that run it.
ARGUMENTS = {
    "api-server": ["api-server"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
READS_DAGS = "dag-processor"
# Airflow's scheduler gives up at any error in its loop, and expects to be started again. On SQLite
# there are such errors: a backfill that the database refuses halfway deletes runs, even those that
# the scheduler has just read.
STARTED_AGAIN = "scheduler"
MOST_RESTARTS = 3
_PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """Run until standard input ends, a signal arrives, or a component ends for good."""
    stop, has_dags, ended = threading.Event(), threading.Event(), ""
    restarts = 0
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    _adopt_orphans()
    threading.Thread(target=_wait_for_end_of_input, args=(has_dags, stop), daemon=True).start()
    try:
        with collector_at_rest():
            import_what_components_share()
        # The components share what is imported, and do not scan it.
        gc.freeze()
        lifeline = os.pipe()
        _prepare_database(lifeline)
        children = _with_started({}, ["scheduler"], lifeline)
        # The scheduler does not need it, and starts meanwhile.
        build_execution_api()
        late = set() if has_dags.is_set() else {READS_DAGS}
        children = _with_started(children, ARGUMENTS.keys() - {"scheduler"} - late, lifeline)
        while not stop.wait(0.05 if late else 0.2):
            if late and has_dags.is_set():
                children = _with_started(children, late, lifeline)
                late = set()
            ended, by_error = _reap_child(children)
            if ended == STARTED_AGAIN and by_error and restarts < MOST_RESTARTS:
                restarts += 1
                print(f"floe: {ended} ended with an error, and is started again", flush=True)
                children = _with_started(children, [ended], lifeline)
            elif ended:
                break
    finally:
        end_descendants(os.getpid())
    if ended:
        # By now no other process prints, so this is the last line of the output.
        print(f"floe: {ended} ended, so all of this Airflow does", flush=True)


def _with_started(
    children: dict[int, str], names: Collection[str], lifeline: tuple[int, int]
) -> dict[int, str]:
    """Start components and record all; return process -> name of the others and of these."""
    others = {pid: name for pid, name in children.items() if name not in names}
    started = {_fork(partial(_run_component, ARGUMENTS[name]), lifeline): name for name in names}
    write_components(Path(os.environ["AIRFLOW_HOME"]), others | started)
    return others | started


def _adopt_orphans() -> None:
    """Become the parent of orphaned descendants, so that no process is lost."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _wait_for_end_of_input(has_dags: threading.Event, stop: threading.Event) -> None:
    while os.read(0, 1024):
        has_dags.set()
    stop.set()


def _prepare_database(lifeline: tuple[int, int]) -> None:
    """Create the metadata database, once per version of Airflow; end its unfinished runs.

    This runs in a process of its own, so that no connection is open when components are forked.
    """
    home = Path(os.environ["AIRFLOW_HOME"])
    done = home / f"migrated-{version('apache-airflow')}"
    database = home / DATABASE
    is_new = not database.exists()
    kept = EmptyDatabase(f"airflow-{version('apache-airflow-core')}")
    if not is_new or not kept.copy_to(database):
        work = end_unfinished_runs if done.exists() else partial(_run_airflow, ["db", "migrate"])
        _, status = os.waitpid(_fork(work, lifeline), 0)
        if status:
            raise SystemExit("floe: the metadata database of this Airflow could not be prepared")
        if is_new:
            kept.keep(database)
    done.touch()


def _fork(work: Callable[[], None], lifeline: tuple[int, int]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        _end_with_host(lifeline)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        work()
        status = 0
    finally:
        if status:
            traceback.print_exc()
        # Skip the parent's exit handlers, and do not return to its code.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _end_with_host(lifeline: tuple[int, int]) -> None:
    """Make this component and its descendants end when the host does, even by SIGKILL."""
    reading, writing = lifeline
    os.close(writing)
    _adopt_orphans()

    def wait() -> None:
        # Nothing is ever written: this returns when no process holds the other end any more.
        os.read(reading, 1)
        kill_descendants(os.getpid())
        os._exit(1)

    threading.Thread(target=wait, name="floe-lifeline", daemon=True).start()


def _run_component(arguments: list[str]) -> None:
    if arguments[0] == "scheduler":
        let_scheduler_rest()
        _import_dbt()
        if os.environ.get("AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE") == "True":
            _wait_for_api_server()
    _run_airflow(arguments)


def _wait_for_api_server() -> None:
    """Wait until the API server listens.

    A scheduler that follows schedules starts the task of a missed tick at once, and a task that
    does not reach the API server fails after some ten seconds.
    """
    host, port = os.environ["AIRFLOW__API__HOST"], int(os.environ["AIRFLOW__API__PORT"])
    while not answers(host, port):
        time.sleep(0.2)


def _run_airflow(arguments: list[str]) -> None:
    """Run an Airflow command, as its script does."""
    [script] = entry_points(group="console_scripts", name="airflow")
    sys.argv = ["airflow", *arguments]
    script.load()()


def _import_dbt() -> None:
    """Import what a build needs, since the executor forks its tasks from the scheduler."""
    with suppress(ImportError):
        import dbt.cli.main  # noqa: F401


def _reap_child(children: dict[int, str]) -> tuple[str, bool]:
    """Return the name of a component that ended, and whether it exited with an error.

    The name is "" while all run. Other processes that have ended are reaped.
    """
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return "everything", False
        if pid == 0:
            return "", False
        if pid in children:
            return children[pid], os.waitstatus_to_exitcode(status) > 0


if __name__ == "__main__":
    main()
