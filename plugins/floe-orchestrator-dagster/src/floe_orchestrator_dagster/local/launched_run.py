"""The process of a launched run: `python -m floe_orchestrator_dagster.local.launched_run FD`.

Reads its order from standard input, runs it on the instance in DAGSTER_HOME with Dagster's
in-process executor, and reports build events and the run's end to the file descriptor FD.
"""

from __future__ import annotations

import os
from pathlib import Path

from dagster import DagsterInstance

# The step imports it late; here it is there before the order comes.
import floe_orchestrator_dagster.step.build_step  # noqa: F401
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.garbage_collection import exit_without_collecting
from floe_core.plugin_api.launched_run.run_order import RunOrder, await_order, import_needed
from floe_core.plugin_api.launched_run.run_report import (
    ParentWatch,
    RunReporter,
    reporting_to_parent,
)
from floe_core.plugin_api.powers import RunOptions
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.alerts import report_end_of_run
from floe_orchestrator_dagster.internals import lighter_event_log
from floe_orchestrator_dagster.local.open_instance import open_instance
from floe_orchestrator_dagster.local.run_execution import execute_run
from floe_orchestrator_dagster.local.run_record import end_of
from floe_orchestrator_dagster.names.asset_map import asset_map_of
from floe_orchestrator_dagster.names.dagster_names import (
    NOMINAL_TIME_TAG,
    RANGE_END_TAG,
    RANGE_START_TAG,
)
from floe_orchestrator_dagster.names.partitions import tags_of_run

PATIENCE_SECONDS = 15.0


def main() -> None:
    """Run one order."""
    exit_without_collecting()
    with open_instance(Path(os.environ["DAGSTER_HOME"])) as instance, lighter_event_log(instance):
        import_needed()
        order = await_order()
        watch = ParentWatch(PATIENCE_SECONDS)
        with reporting_to_parent() as reporter:
            try:
                run_order(instance, order, reporter, watch)
            except EnvironmentProblemError as error:
                raise SystemExit(str(error)) from None


def run_order(
    instance: DagsterInstance, order: RunOrder, reporter: RunReporter, watch: ParentWatch
) -> None:
    """Run an order, and report how the run ended."""
    artifacts = CompiledArtifacts.load(order.project_dir)
    asset_map = asset_map_of(artifacts)
    try:
        with watch.announcing(lambda: _announce_cancel(instance, order.run_id)):
            execute_run(instance, order, artifacts, asset_map, _tags(artifacts, order.options))
        reporter.report_end(end_of(instance, order.run_id, reporter.results, asset_map))
    finally:
        # No daemon evaluates the sensors of this instance.
        _report_alerts(artifacts, instance, order.run_id)


def _report_alerts(artifacts: CompiledArtifacts, instance: DagsterInstance, run_id: str) -> None:
    run = instance.get_run_by_id(run_id)
    if run is not None:
        report_end_of_run(artifacts, instance, run)


def _announce_cancel(instance: DagsterInstance, run_id: str) -> None:
    """Report to Dagster that a user canceled the run: it treats a mere interrupt as a failure."""
    run = instance.get_run_by_id(run_id)
    if run is not None and not run.is_finished:
        instance.report_run_canceling(run)


def _tags(artifacts: CompiledArtifacts, options: RunOptions) -> dict[str, str]:
    moment, span = options.nominal_time, options.range
    job, named = artifacts.job(options.job), options.parameters.partitions
    tags = {
        NOMINAL_TIME_TAG: moment.isoformat() if moment else "",
        RANGE_START_TAG: span.start.isoformat() if span else "",
        RANGE_END_TAG: span.end.isoformat() if span else "",
    }
    of_partitions = tags_of_run(artifacts, job, moment, named=named, span=span)
    return {**{name: value for name, value in tags.items() if value}, **of_partitions}


if __name__ == "__main__":
    main()
