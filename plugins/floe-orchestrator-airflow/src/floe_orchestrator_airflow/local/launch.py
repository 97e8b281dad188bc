"""Run a product in a real Airflow on this machine, and report the result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Any

from floe_core.execution import BuildRequest, RunRecord, read_events, reported_if_killed
from floe_core.plugin_api.powers import RunOptions, RunReport, UncompiledProduct
from floe_core.runs.build_events import BuildEnded, BuildEvent, NodeLog
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.state_folder import state_folder
from floe_orchestrator_airflow.local.progress import ExecutorWatch
from floe_orchestrator_airflow.local.rest_api import RestError
from floe_orchestrator_airflow.local.service import LocalAirflow, datetime_of
from floe_orchestrator_airflow.local.verdict import report_of_run
from floe_orchestrator_airflow.names.run_of_product import run_name

POLL_SECONDS = 0.2
SECONDS_TO_END = 10.0
RUNNING = "running the product"
OnEvent = Callable[[BuildEvent], None]


def launch_run(artifacts: CompiledArtifacts, options: RunOptions, on_event: OnEvent) -> RunReport:
    """Start an Airflow, run in it, and stop it. See `RunLauncher.launch_run`.

    The report's time covers all three, since the caller waits for all of them.
    """
    began = time.monotonic()
    on_event(_start_notice())
    with LocalAirflow.of_product(artifacts) as airflow:
        report = run_in(airflow, artifacts, options, on_event)
    return _with_time(report, time.monotonic() - began)


@contextmanager
def start_early(product: UncompiledProduct) -> Iterator[StartedAirflow]:
    """See `EarlyStarter`."""
    airflow = LocalAirflow(state_folder(product.folder) / "airflow")
    airflow.start(lock_seconds=0)
    started = StartedAirflow(airflow)
    try:
        yield started
    finally:
        if not started.is_launched:
            airflow.kill()


class StartedAirflow:
    """A local Airflow that has been started, but does not read DAG files yet."""

    def __init__(self, airflow: LocalAirflow) -> None:
        self._airflow = airflow
        self._began = time.monotonic()
        self.is_launched = False

    def launch_run(
        self, artifacts: CompiledArtifacts, options: RunOptions, on_event: OnEvent
    ) -> RunReport:
        """Run in it, and stop it. See `RunLauncher.launch_run`."""
        self.is_launched = True
        on_event(_start_notice())
        try:
            self._airflow.come_up(artifacts)
            report = run_in(self._airflow, artifacts, options, on_event)
        finally:
            self._airflow.stop()
        return _with_time(report, time.monotonic() - self._began)


def _start_notice() -> NodeLog:
    return NodeLog("", "info", "starting a local Airflow, which takes some 10 seconds")


def _with_time(report: RunReport, seconds: float) -> RunReport:
    whole = round(seconds, 3)
    of_run = f"of {whole:.1f} s, the DAG run took {report.seconds:.1f} s"
    return replace(report, seconds=whole, look_further=[of_run, *report.look_further])


def run_in(
    airflow: LocalAirflow, artifacts: CompiledArtifacts, options: RunOptions, on_event: OnEvent
) -> RunReport:
    """Run in an Airflow that is up, so that several runs can share one start."""
    dag_id = add_dag(airflow, artifacts, options.job, on_event)
    run_id = trigger(airflow, dag_id, options)
    return follow_run(airflow, artifacts, options, run_id, on_event)


def add_dag(
    airflow: LocalAirflow, artifacts: CompiledArtifacts, job_name: str, on_event: OnEvent
) -> str:
    """Make Airflow load the DAG of a job, and return its id."""
    dag_id = dag_id_of(artifacts, RunOptions(job_name))
    on_event(NodeLog("", "info", f"Airflow reads the DAG {dag_id}"))
    airflow.add(artifacts, dag_id)
    return dag_id


def follow_run(
    airflow: LocalAirflow,
    artifacts: CompiledArtifacts,
    options: RunOptions,
    run_id: str,
    on_event: OnEvent,
) -> RunReport:
    """Follow a triggered run to its end, and report it."""
    dag_id = dag_id_of(artifacts, options)
    request = BuildRequest(
        job=options.job,
        run_id=run_name(dag_id, run_id),
        nominal_time=options.nominal_time,
        parameters=options.parameters,
    )
    # If this process is killed, its Airflow ends with it and reports nothing.
    with reported_if_killed(artifacts, request):
        try:
            report = _follow(airflow, artifacts, options, run_id, on_event)
        except BaseException as error:
            interrupted = f"floe run was interrupted: {error!r}"
            _report_for_alerts(artifacts, options, (dag_id, run_id), interrupted)
            raise
        problem = "" if report.status == "success" else report.message or "it failed"
        # This Airflow may end before its DAG processor has called the callbacks of the run.
        _report_for_alerts(artifacts, options, (dag_id, run_id), problem)
    return report


def dag_id_of(artifacts: CompiledArtifacts, options: RunOptions) -> str:
    """Return the id of the DAG that runs a job."""
    from floe_orchestrator_airflow.names.airflow_names import dag_id as id_of_dag

    return id_of_dag(artifacts, artifacts.job(options.job))


def _report_for_alerts(
    artifacts: CompiledArtifacts, options: RunOptions, run: tuple[str, str], problem: str
) -> None:
    from floe_orchestrator_airflow.task.run_end import report_end_of_run

    dag_id, run_id = run
    report_end_of_run(
        artifacts,
        options.job,
        dag_id,
        run_id,
        succeeded=not problem,
        problem=problem,
        nominal_time=options.nominal_time,
    )


def _follow(
    airflow: LocalAirflow,
    artifacts: CompiledArtifacts,
    options: RunOptions,
    run_id: str,
    on_event: OnEvent,
) -> RunReport:
    dag_id = dag_id_of(artifacts, options)
    events = _Events(artifacts.folder, run_name(dag_id, run_id), on_event)
    executor = ExecutorWatch(airflow.home.folder, 2 * airflow.patience)
    while True:
        airflow.check_alive(RUNNING)
        if problem := executor.problem(partial(airflow.api.task_instances, dag_id, run_id)):
            raise airflow.stuck_error(RUNNING, problem)
        run = _fetch_run(airflow, dag_id, run_id)
        events.pass_on()
        if run["state"] in ("success", "failed"):
            break
        time.sleep(POLL_SECONDS)
    return report_of_run(
        artifacts=artifacts,
        options=options,
        run_id=run_id,
        state=run["state"],
        seconds=_seconds(run["start_date"], run["end_date"]),
        results=RunRecord.of(events.seen).results,
        tasks={t["task_id"]: t["state"] or "" for t in airflow.api.task_instances(dag_id, run_id)},
        home=airflow.home.folder,
        problem=next((e.message for e in reversed(events.seen) if isinstance(e, BuildEnded)), ""),
    )


def _fetch_run(airflow: LocalAirflow, dag_id: str, run_id: str) -> dict[str, Any]:
    try:
        return airflow.api.run(dag_id, run_id)
    except RestError as error:
        # An Airflow that no longer responds may be about to end, and then reports why.
        airflow.check_alive(RUNNING, SECONDS_TO_END)
        raise airflow.stuck_error(RUNNING, str(error)) from error


class _Events:
    """The events of a run as its build records them on this machine."""

    def __init__(self, project_dir: Path, name: str, on_event: OnEvent) -> None:
        self._project_dir = project_dir
        self._name = name
        self._on_event = on_event
        self.seen: list[BuildEvent] = []

    def pass_on(self) -> None:
        """Pass on new events."""
        events = read_events(self._project_dir, self._name)
        for event in events[len(self.seen) :]:
            self._on_event(event)
        self.seen = events


def trigger(airflow: LocalAirflow, dag_id: str, options: RunOptions) -> str:
    """Start a run in an Airflow that has the DAG, and return the run's id."""
    conf = _conf(options)
    moment = options.nominal_time
    date = None if moment is None else moment.astimezone(UTC).isoformat()
    try:
        return airflow.api.trigger(dag_id, date, conf)
    except RestError as error:
        if error.status != 409 or date is None:
            raise
    # A DAG has one run per logical date. This Airflow is floe's own, so the new run replaces it.
    for run_id in airflow.api.runs_at(dag_id, date):
        airflow.api.delete_run(dag_id, run_id)
    return airflow.api.trigger(dag_id, date, conf)


def _conf(options: RunOptions) -> dict[str, Any]:
    conf: dict[str, Any] = {}
    if options.node_ids is not None:
        conf["node_ids"] = list(options.node_ids)
    if options.range is not None:
        conf["range_start"] = options.range.start.isoformat()
        conf["range_end"] = options.range.end.isoformat()
    return {**conf, **options.parameters.as_given()}


def _seconds(start: str | None, end: str | None) -> float:
    if not (start and end):
        return 0.0
    return round((datetime_of(end) - datetime_of(start)).total_seconds(), 3)
