"""Kill the run of a product while its step waits."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil
from wait_for import wait_a_while_for


def kill_run(folder: Path) -> None:
    """Kill the process that looks after the one that builds, if a step `sleep` runs there soon.

    That is Dagster's run worker, and Airflow's supervisor of the task.
    """
    found: list[psutil.Process] = []

    def is_waiting() -> bool:
        found[:] = [each for each in psutil.process_iter() if _is_step(each, folder)]
        return bool(found)

    wait_a_while_for(is_waiting, 90, every=0.1)
    if found:
        _guard, _builder, above, *_ = found[0].parents()
        above.kill()


def _is_step(process: psutil.Process, folder: Path) -> bool:
    with suppress(psutil.Error):
        here = process.environ().get("FLOE_PROJECT_DIR", "")
        return process.name() == "sleep" and Path(here) == folder
    return False
