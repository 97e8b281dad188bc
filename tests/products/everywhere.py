"""Run one product on Dagster and, both as nodes and as one task, on Airflow; ask each about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
from dagster import DagsterEventType, DagsterInstance
from faulty_product import FaultyProduct, ran

from floe_core.build_events import BuildEvent, NodeStarted
from floe_core.plugin_powers import RunOptions
from floe_core.schemas import CompiledArtifacts
from floe_orchestrator_airflow.local_airflow.launch import run_in
from floe_orchestrator_airflow.local_airflow.service import LocalAirflow
from floe_orchestrator_dagster import DagsterPlugin

DAGSTER, NODE, PRODUCT = SIDES = ("dagster", "airflow node", "airflow product")
# Called with the side, its product and an event, while the run waits for it.
Meddle = Callable[[str, CompiledArtifacts, BuildEvent], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one orchestrator says of a run, and what its warehouse says.

    `green` names what the orchestrator shows as good, None where it shows the run alone. `tasks` is
    Airflow's task id -> state; empty for Dagster. `report` and `message` are the launcher's.
    """

    state: str
    attempts: int
    green: frozenset[str] | None
    tasks: Mapping[str, str]
    ran: list[str]
    report: str
    message: str = ""


def compiled_everywhere(
    product: FaultyProduct, folder: Path, name: str
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
    """Return side -> outcome, of three runs at once."""
    with ThreadPoolExecutor(len(products)) as pool:
        runs = {
            side: pool.submit(
                run_on_dagster if side == DAGSTER else run_on_airflow,
                artifacts,
                airflow,
                lambda event, side=side, artifacts=artifacts: meddle(side, artifacts, event),
            )
            for side, artifacts in products.items()
        }
        return {side: run.result() for side, run in runs.items()}


def run_on_dagster(
    artifacts: CompiledArtifacts, _: object, on_event: Callable[[BuildEvent], None]
) -> Outcome:
    report = DagsterPlugin().launch_run(artifacts, RunOptions(artifacts.product.name), on_event)
    return dagster_outcome(artifacts, report.run_id, report.status, report.message)


def run_on_airflow(
    artifacts: CompiledArtifacts, airflow: LocalAirflow, on_event: Callable[[BuildEvent], None]
) -> Outcome:
    report = run_in(airflow, artifacts, RunOptions(artifacts.product.name), on_event)
    return airflow_outcome(airflow, artifacts, report.run_id, report.status, report.message)


def dagster_outcome(
    artifacts: CompiledArtifacts, run_id: str, report: str, message: str = ""
) -> Outcome:
    """Return what the instance's records and event log tell."""
    with instance_of(artifacts) as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None

        def events(kind: DagsterEventType) -> list:
            return [entry.dagster_event for entry in instance.all_logs(run_id, of_type=kind)]

        built = {e.asset_key.path[-1] for e in events(DagsterEventType.ASSET_MATERIALIZATION)}
        checks = [e.event_specific_data for e in events(DagsterEventType.ASSET_CHECK_EVALUATION)]
        attempts = 1 + len(events(DagsterEventType.STEP_RESTARTED))
    good = {check.check_name for check in checks if check.passed}
    state = {"FAILURE": "failed"}.get(run.status.value, run.status.value.lower())
    return Outcome(state, attempts, frozenset(built | good), {}, ran(artifacts), report, message)


def airflow_outcome(
    airflow: LocalAirflow,
    artifacts: CompiledArtifacts,
    run_id: str,
    report: str,
    message: str = "",
) -> Outcome:
    """Return what the REST API tells."""
    dag_id = artifacts.product.name
    found = airflow.api.task_instances(dag_id, run_id)
    tasks = {task["task_id"]: task["state"] for task in found}
    [attempts] = [task["try_number"] for task in found if task["task_id"] == "dbt_build"]
    nodes = tasks.keys() - {"dbt_build", "outcome"}
    green = frozenset(name for name in nodes if tasks[name] == "success") if nodes else None
    state = airflow.api.run(dag_id, run_id)["state"]
    return Outcome(state, attempts, green, tasks, ran(artifacts), report, message)


def instance_of(artifacts: CompiledArtifacts) -> DagsterInstance:
    """Return the Dagster instance that keeps the runs of a product launched from here."""
    return DagsterInstance.from_config(str(artifacts.project_dir / ".floe" / "dagster"))


def has_begun(event: BuildEvent, name: str) -> bool:
    """Whether the event says that the node of this name began."""
    return isinstance(event, NodeStarted) and event.unique_id.split(".")[2] == name


def processes_at(folder: Path, patience: float = 20.0) -> list[str]:
    """Return what still works in a folder: there by its name, or with a file of it open."""
    deadline = time.monotonic() + patience
    while (left := _working_at(folder)) and time.monotonic() < deadline:
        time.sleep(0.3)
    return left


def _working_at(folder: Path) -> list[str]:
    found = []
    for process in psutil.process_iter():
        if process.pid == psutil.Process().pid:
            continue
        try:
            files = [file.path for file in process.open_files()]
            words = [process.cwd(), *process.cmdline(), *files]
            if process.status() != psutil.STATUS_ZOMBIE and any(str(folder) in w for w in words):
                found.append(f"{process.pid} {' '.join(process.cmdline())}")
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found
