"""Run one product on Dagster and, both as nodes and as one task, on Airflow; ask each about it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil
from dagster import DagsterEventType, DagsterInstance
from faulty_product import FaultyProduct, ran
from faulty_step import FaultyStep
from wait_for import wait_for
from what_works_at import open_files, processes_at

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import RunOptions, RunReport
from floe_core.runs.build_events import BuildEvent, NodeStarted
from floe_core.schemas import CompiledArtifacts
from floe_core.storage.spooling.spool import Spool
from floe_orchestrator_airflow.local.launch import run_in
from floe_orchestrator_airflow.local.service import LocalAirflow
from floe_orchestrator_dagster import DagsterPlugin

DAGSTER, NODE, PRODUCT = SIDES = ("dagster", "airflow node", "airflow product")
# The nodes of a faulty product.
ALL = {"first", "middle", "middle_is_good", "last", "aside"}
# Called with the side, its product and an event, while the run waits for it.
Meddle = Callable[[str, CompiledArtifacts, BuildEvent], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one orchestrator says of a run, and what its warehouse says.

    `green` names what the orchestrator shows as good, None where it shows the run alone. `tasks` is
    Airflow's task id -> state; empty for Dagster. `left` are processes that are still there.
    `report` and `message` are the launcher's.
    """

    run_id: str
    state: str
    attempts: int
    green: frozenset[str] | None
    tasks: Mapping[str, str]
    ran: list[str]
    left: list[str]
    report: str
    message: str


def compiled_everywhere(
    product: FaultyProduct | FaultyStep, folder: Path, name: str
) -> dict[str, CompiledArtifacts]:
    """Return side -> the product, each in a folder and under a name of its own."""
    more = {DAGSTER: "", NODE: "granularity: node", PRODUCT: "granularity: product"}
    return {
        side: product.compiled(
            folder / side.replace(" ", "-"),
            f"{name}-{side.replace(' ', '-')}",
            side.split()[0],
            more[side],
        )
        for side in SIDES
    }


def run_everywhere(
    products: Mapping[str, CompiledArtifacts],
    airflow: LocalAirflow,
    meddle: Meddle = lambda side, artifacts, event: None,
) -> dict[str, Outcome]:
    """Return side -> outcome, of three runs at once, when all are over."""
    reports = launch_everywhere(list(products.items()), airflow, meddle)
    return {
        side: dagster_outcome(artifacts, report)
        if side == DAGSTER
        else airflow_outcome(airflow, artifacts, report)
        for (side, artifacts), report in zip(products.items(), reports, strict=True)
    }


def launch_everywhere(
    runs: Sequence[tuple[str, CompiledArtifacts]], airflow: LocalAirflow, meddle: Meddle
) -> list[RunReport]:
    """Return the reports of runs that are launched at once, as (side, product)."""

    def launch(side: str, artifacts: CompiledArtifacts) -> RunReport:
        options = RunOptions(artifacts.product.name)

        def on_event(event: BuildEvent) -> None:
            meddle(side, artifacts, event)

        if side == DAGSTER:
            return launch_on_dagster(artifacts, options, on_event)
        return run_in(airflow, artifacts, options, on_event)

    with ThreadPoolExecutor(len(runs)) as pool:
        return [future.result() for future in [pool.submit(launch, *run) for run in runs]]


def launch_on_dagster(
    artifacts: CompiledArtifacts, options: RunOptions, on_event: Callable[[BuildEvent], None]
) -> RunReport:
    """Return the report; one with the error's text for a run that was broken off."""
    try:
        return DagsterPlugin().launch_run(artifacts, options, on_event)
    except (KeyboardInterrupt, EnvironmentProblemError) as error:
        with instance_of(artifacts) as instance:
            run_id = instance.get_runs(limit=1)[0].run_id
        return RunReport("failed", run_id, 0.0, {}, f"{type(error).__name__}: {error}")


def dagster_outcome(artifacts: CompiledArtifacts, report: RunReport) -> Outcome:
    """Return what the instance's records and event log tell."""
    left = processes_at(artifacts.folder)
    with instance_of(artifacts) as instance:
        run = instance.get_run_by_id(report.run_id)
        assert run is not None

        def events(kind: DagsterEventType) -> list:
            return [entry.dagster_event for entry in instance.all_logs(report.run_id, of_type=kind)]

        built = {e.asset_key.path[-1] for e in events(DagsterEventType.ASSET_MATERIALIZATION)}
        checks = [e.event_specific_data for e in events(DagsterEventType.ASSET_CHECK_EVALUATION)]
        attempts = 1 + len(events(DagsterEventType.STEP_RESTARTED))
    good = {check.check_name for check in checks if check.passed}
    state = {"FAILURE": "failed"}.get(run.status.value, run.status.value.lower())
    return Outcome(
        run_id=report.run_id,
        state=state,
        attempts=attempts,
        green=frozenset(built | good),
        tasks={},
        ran=ran(artifacts),
        left=left,
        report=report.status,
        message=report.message,
    )


def airflow_outcome(
    airflow: LocalAirflow, artifacts: CompiledArtifacts, report: RunReport
) -> Outcome:
    """Return what the REST API tells, once nothing works any more."""
    left = processes_at(artifacts.folder)
    dag_id = artifacts.product.name
    found = airflow.api.task_instances(dag_id, report.run_id)
    tasks = {task["task_id"]: task["state"] for task in found}
    [attempts] = [task["try_number"] for task in found if task["task_id"] == "dbt_build"]
    nodes = tasks.keys() - {"dbt_build", "outcome"}
    green = frozenset(name for name in nodes if tasks[name] == "success") if nodes else None
    state = airflow.api.run(dag_id, report.run_id)["state"]
    return Outcome(
        report.run_id,
        state,
        attempts,
        green,
        tasks,
        ran(artifacts),
        left,
        report.status,
        report.message,
    )


def assert_all(
    outcomes: dict[str, Outcome],
    *,
    state: str,
    ran: list[str],
    green: set[str],
    red: set[str],
    attempts: int = 1,
) -> None:
    """Hold every side against one answer; what is neither green nor red is skipped."""
    for side, outcome in outcomes.items():
        assert outcome.left == [], side
        assert (outcome.state, outcome.report) == (state, state), (side, outcome)
        assert (outcome.attempts, outcome.ran) == (attempts, sorted(ran)), (side, outcome)
    assert outcomes[DAGSTER].green == outcomes[NODE].green == green
    assert outcomes[NODE].tasks == {
        **dict.fromkeys(ALL - green - red, "skipped"),
        **dict.fromkeys(green, "success"),
        **dict.fromkeys(red, "failed"),
        **dict.fromkeys(("dbt_build", "outcome"), state),
    }
    assert outcomes[PRODUCT].tasks == {"dbt_build": state}


def dagster_delays(artifacts: CompiledArtifacts, run_id: str) -> list[float]:
    """Return the seconds before each retry of a run, from its event log."""
    with instance_of(artifacts) as instance:
        entries = instance.all_logs(run_id, of_type=DagsterEventType.STEP_UP_FOR_RETRY)
        return [entry.dagster_event.event_specific_data.seconds_to_wait for entry in entries]


def airflow_delays(airflow: LocalAirflow, artifacts: CompiledArtifacts) -> list[float]:
    """Return the seconds before each retry of the build, from Airflow's database: no API has it."""
    query = (
        "select retry_delay_override from task_instance_history "
        "where dag_id = ? and task_id = 'dbt_build' order by try_number"
    )
    with closing(sqlite3.connect(airflow.home.database)) as database:
        return [delay for (delay,) in database.execute(query, [artifacts.product.name])]


def instance_of(artifacts: CompiledArtifacts) -> DagsterInstance:
    """Return the Dagster instance that keeps the runs of a product launched from here."""
    return DagsterInstance.from_config(str(artifacts.project_dir / ".floe" / "dagster"))


def holders_of(file: Path) -> list[psutil.Process]:
    """Return the processes that have a file open."""
    return [process for process in psutil.process_iter() if str(file) in open_files(process)]


def has_begun(event: BuildEvent, name: str) -> bool:
    """Whether the event says that the node of this name began."""
    return isinstance(event, NodeStarted) and event.unique_id.split(".")[2] == name


def waiting_lineage(folder: Path) -> dict[str, list[str]]:
    """Return run id -> the types of its events, in order, of those that no backend has taken."""
    types: dict[str, list[str]] = {}
    for path in Spool(folder).list_waiting():
        event = json.loads(path.read_text())
        types.setdefault(event["run"]["runId"], []).append(event["eventType"])
    return types


def wait_for_middle(artifacts: CompiledArtifacts) -> None:
    """Wait until middle has begun in some run of the product, and is at work in the warehouse."""
    records = artifacts.folder / ".floe" / "runs"
    wait_for(
        lambda: any(".middle" in file.read_text() for file in records.glob("*/events.jsonl")), 90
    )
    time.sleep(1)
