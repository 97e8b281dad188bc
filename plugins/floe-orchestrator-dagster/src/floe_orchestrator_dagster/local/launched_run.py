"""The process of a launched run: `python -m floe_orchestrator_dagster.local.launched_run FD`.

Reads its order from standard input, runs it on the instance in DAGSTER_HOME with Dagster's
in-process executor, and writes build events and the run's end to the file descriptor FD.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from io import RawIOBase
from pathlib import Path

from dagster import DagsterInstance
from filelock import FileLock

from floe_core.build_events import BuildEvent, NodeResult, to_line
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.dagster_names import (
    NOMINAL_TIME_TAG,
    RANGE_END_TAG,
    RANGE_START_TAG,
    VARS_TAG,
)
from floe_orchestrator_dagster.definitions.asset_map import asset_map_of
from floe_orchestrator_dagster.internals import lighter_event_log
from floe_orchestrator_dagster.local.parent_watch import ParentWatch
from floe_orchestrator_dagster.local.run_execution import execute_run
from floe_orchestrator_dagster.local.run_order import RunOrder
from floe_orchestrator_dagster.local.run_record import end_of
from floe_orchestrator_dagster.step.event_feed import listening


def main() -> None:
    """Run one order."""
    order = RunOrder.from_line(sys.stdin.readline())
    watch = ParentWatch()
    with os.fdopen(int(sys.argv[1]), "wb", buffering=0) as told:
        run_order(order, told, watch)


def run_order(order: RunOrder, told: RawIOBase, watch: ParentWatch) -> None:
    """Run, and tell each event and the end."""
    artifacts = CompiledArtifacts.load(order.project_dir)
    asset_map = asset_map_of(artifacts)
    results: dict[str, NodeResult] = {}

    def hear(event: BuildEvent) -> None:
        if isinstance(event, NodeResult):
            results[event.unique_id] = event
        _write(told, to_line(event))

    with _instance() as instance, lighter_event_log(instance):
        with listening(hear), watch.cancels(instance, order.run_id):
            execute_run(instance, order, artifacts, asset_map, _tags(order))
        _write(told, end_of(instance, order.run_id, results, asset_map).to_line())


def _instance() -> DagsterInstance:
    """Return the instance in DAGSTER_HOME; runs at the same time make its database one by one.

    Dagster lets two processes make the tables of its runs at once, and one of them fails.
    """
    with FileLock(Path(os.environ["DAGSTER_HOME"], "opening.lock")):
        return DagsterInstance.get()


def _tags(order: RunOrder) -> dict[str, str]:
    tags = {
        NOMINAL_TIME_TAG: order.nominal_time,
        RANGE_START_TAG: order.range_start,
        RANGE_END_TAG: order.range_end,
        VARS_TAG: json.dumps(order.vars) if order.vars else "",
    }
    return {name: value for name, value in tags.items() if value}


def _write(told: RawIOBase, line: str) -> None:
    """Tell the parent, unless it has stopped listening."""
    with suppress(BrokenPipeError):
        told.write(f"{line}\n".encode())


if __name__ == "__main__":
    main()
