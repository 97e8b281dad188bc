"""The conformance kit on Airflow: what is left of the DAGs in Airflow's own serialised form."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import pytest
from airflow.sdk import DAG, BaseOperator
from airflow.timetables.base import DataInterval, TimeRestriction, Timetable
from airflow.utils.types import DagRunType
from pendulum import instance
from serialized_dags import DagBag, DagSerialization

from floe_conformance import (
    SECRET_VARIABLE,
    LoadedJob,
    LoadedProduct,
    LoadedTransform,
    OrchestratorConformance,
    RanProduct,
    Ticks,
)
from floe_core.runs.build_events import NodeResult, from_line
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow import AirflowPlugin
from floe_orchestrator_airflow.alerts import deadline_dag_id
from floe_orchestrator_airflow.internals import starts_tasks_in_triggerer
from floe_orchestrator_airflow.local.service import LocalAirflow
from floe_orchestrator_airflow.names.airflow_names import PROGRESS_HEAD, segment_key
from floe_orchestrator_airflow.ticks.timetable import FloeTimetable

NOT_OF_DBT = {"dbt_build", "outcome"}


class TestAirflowConformance(OrchestratorConformance):
    shows_sources = False
    shows_nodes = starts_tasks_in_triggerer()
    airflow: LocalAirflow

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _airflow(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
        """One real Airflow for the runs; the looks need none."""
        with LocalAirflow(tmp_path_factory.mktemp("airflow")) as cls.airflow:
            yield

    def plugin(self) -> AirflowPlugin:
        return AirflowPlugin()

    def connection_settings(self, url: str) -> Mapping[str, Any]:
        return {"url": url, "username": "floe", "password": f"env:{SECRET_VARIABLE}"}

    def look_at(self, definitions: DAG, project_dir: Path) -> LoadedProduct:
        bag = DagBag(str(project_dir / "dag.py"), collect_dags=True)
        assert bag.import_errors == {}
        dags = {dag_id: as_stored(dag) for dag_id, dag in bag.dags.items()}
        return LoadedProduct(
            upstream(as_stored(definitions)),
            {dag_id.rpartition(".")[2]: loaded(dag) for dag_id, dag in dags.items()},
        )

    def run(self, definitions: DAG, project_dir: Path) -> RanProduct:
        return self.recorded(definitions.dag_id, self.triggered(definitions, project_dir))

    def run_with(
        self, definitions: DAG, project_dir: Path, parameters: RunParameters
    ) -> RanProduct:
        run_id = self.triggered(definitions, project_dir, parameters.as_given())
        return self.recorded(definitions.dag_id, run_id)

    def run_and_cancel(
        self, definitions: DAG, project_dir: Path, it_hangs: Callable[[], bool]
    ) -> RanProduct:
        """As Airflow's pages do, which have no other word for it than failed."""
        run_id = self.triggered(definitions, project_dir)
        while not it_hangs():
            time.sleep(0.2)
        path = f"/api/v2/dags/{definitions.dag_id}/dagRuns/{quote(run_id)}"
        self.airflow.api.request("PATCH", path, {"state": "failed"})
        return self.recorded(definitions.dag_id, run_id)

    def run_for_tick(self, definitions: DAG, project_dir: Path, tick: datetime) -> RanProduct:
        """A run with the id that the scheduler gives it, if the timetable has one for the tick.

        Only the scheduler creates scheduled runs, so this one is called one by hand.
        """
        timetable, dag_id = as_stored(definitions).timetable, definitions.dag_id
        as_scheduled = TimeRestriction(None, None, catchup=False)
        info = timetable.next_dagrun_info(
            last_automated_data_interval=None, restriction=as_scheduled
        )
        if info is None or info.run_after != tick:
            return RanProduct(True, frozenset())
        name = timetable.generate_run_id(
            run_type=DagRunType.SCHEDULED, run_after=info.run_after, data_interval=None
        )
        self.airflow.add(CompiledArtifacts.load(project_dir), dag_id)
        run_id = name.replace("scheduled__", "manual__")
        body = {"dag_run_id": run_id, "logical_date": tick.isoformat(), "conf": {}}
        self.airflow.api.request("POST", f"/api/v2/dags/{dag_id}/dagRuns", body)
        return self.recorded(dag_id, run_id)

    def check_deadlines(self, definitions: DAG, project_dir: Path) -> None:
        """By a run of the DAG that Airflow runs at the deadline."""
        product = CompiledArtifacts.load(project_dir)
        self.airflow.add(product, definitions.dag_id)
        dag_id = deadline_dag_id(product, product.job(definitions.dag_id))
        run_id = self.airflow.api.trigger(dag_id, None, {})
        assert self.recorded(dag_id, run_id).succeeded

    def triggered(
        self, definitions: DAG, project_dir: Path, conf: Mapping[str, Any] = MappingProxyType({})
    ) -> str:
        self.airflow.add(CompiledArtifacts.load(project_dir), definitions.dag_id)
        return self.airflow.api.trigger(definitions.dag_id, None, dict(conf))

    def recorded(self, dag_id: str, run_id: str) -> RanProduct:
        """Return what the API tells of a run that is over."""
        api = self.airflow.api
        while (state := api.run(dag_id, run_id)["state"]) not in ("success", "failed"):
            time.sleep(0.5)
        tasks = {task["task_id"]: task["state"] for task in api.task_instances(dag_id, run_id)}
        done = {task_id for task_id, ended in tasks.items() if ended == "success"}
        if not self.shows_nodes and tasks.get("dbt_build") in ("success", "failed"):
            done = self.done_of_build(dag_id, run_id)
        return RanProduct(state == "success", frozenset(done - NOT_OF_DBT))

    def done_of_build(self, dag_id: str, run_id: str) -> set[str]:
        """Return the names of the nodes that passed, from what the one task has in its XComs."""
        head = self.xcom(dag_id, run_id, PROGRESS_HEAD)
        keys = [segment_key(head["attempt"], number) for number in range(head["segments"])]
        lines = [line for key in keys for line in self.xcom(dag_id, run_id, key)]
        results = [e for e in map(from_line, lines) if isinstance(e, NodeResult)]
        return {result.unique_id.split(".")[2] for result in results if result.is_new}

    def xcom(self, dag_id: str, run_id: str, key: str) -> Any:
        path = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances/dbt_build/xcomEntries"
        value = self.airflow.api.request("GET", f"{path}/{key}")["value"]
        return json.loads(value) if isinstance(value, str) else value

    def look_at_transforms(self, assets: Sequence[BaseOperator]) -> list[LoadedTransform]:
        dag = DAG("transforms", schedule=None)
        dag.add_tasks(assets)
        waits = upstream(as_stored(dag))
        return [LoadedTransform(task.task_id, waits[task.task_id]) for task in assets]


def as_stored(dag: DAG) -> Any:
    """Return what Airflow's database gives back to scheduler and web page."""
    return DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))


def upstream(dag: Any) -> dict[str, frozenset[str]]:
    tasks = [task for task in dag.tasks if task.task_id not in NOT_OF_DBT]
    return {task.task_id: frozenset(task.upstream_task_ids - NOT_OF_DBT) for task in tasks}


def loaded(dag: Any) -> LoadedJob:
    can_tick = dag.timetable.can_be_scheduled
    ticks = ticks_of(dag.timetable) if can_tick else None
    own = dag.timetable if isinstance(dag.timetable, FloeTimetable) else None
    catches_up = own and runs_missed_ticks(own)
    return LoadedJob(frozenset(upstream(dag)), ticks, catches_up=catches_up)


def runs_missed_ticks(timetable: FloeTimetable) -> bool:
    """Ask for the run after the last one, when more than one tick has passed since."""
    timetable = FloeTimetable(timetable.cron, timetable.zone_name, every=timetable.every)
    as_scheduled = TimeRestriction(None, None, catchup=False)
    last = timetable.next_run(instance(datetime(2026, 3, 2, tzinfo=UTC)), None, as_scheduled)
    later = last.add(days=9)
    return timetable.next_run(later, last, as_scheduled) < later.subtract(days=4)


def ticks_of(timetable: Timetable) -> Ticks:
    """Ask the timetable for run after run, as the scheduler does."""

    def ticks(start: datetime) -> Iterator[datetime]:
        last, whole = None, TimeRestriction(instance(start), None, catchup=True)
        while info := timetable.next_dagrun_info(
            last_automated_data_interval=last, restriction=whole
        ):
            last = DataInterval.exact(info.run_after)
            yield info.run_after

    return ticks
