"""The callbacks of tasks that show nodes: called where there are some, and else not asked for."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from wait_for import wait_for

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.local.service import LocalAirflow

DAG_FILE = """\
from airflow.sdk import DAG
from floe_orchestrator_airflow import floe_task_group


def report(context):
    with open({called!r}, "a") as file:
        file.write(context["ti"].task_id + "\\n")


with DAG({dag_id!r}, schedule=None, default_args={default_args}):
    floe_task_group({folder!r})
"""
# What asks the DAG processor for a callback, counted by SQLite itself.
COUNT = """
create table {name}_requests (request);
create trigger {name}_count after insert on callback
begin insert into {name}_requests values (new.data); end;
"""


@pytest.mark.parametrize("name", ["called", "uncalled"])
def test_callbacks_are_asked_for_where_a_task_has_some(
    airflow: LocalAirflow,
    make_product: Callable[..., CompiledArtifacts],
    tmp_path: Path,
    name: str,
) -> None:
    product = make_product(
        name, {"one.sql": "select 1 as id", "two.sql": "select error('no') as n"}
    )
    dag_id, called = f"{name}_by_hand", tmp_path / "called"
    text = DAG_FILE.format(
        dag_id=dag_id,
        called=str(called),
        folder=str(product.project_dir),
        default_args='{"on_failure_callback": report}' if name == "called" else "{}",
    )
    (airflow.home.dags / f"{dag_id}.py").write_text(text)
    with closing(sqlite3.connect(airflow.home.database, timeout=60)) as database:
        database.executescript(COUNT.format(name=name))
        wait_for(lambda: airflow.api.dag(dag_id) is not None, 120)
        airflow.api.unpause(dag_id)
        run_id = airflow.api.trigger(dag_id, None, {})
        wait_for(lambda: airflow.api.run(dag_id, run_id)["state"] in ("success", "failed"), 120)
        if name == "called":
            wait_for(lambda: called.exists() and ".two\n" in called.read_text(), 120)
        requests = database.execute(f"select request from {name}_requests").fetchall()
        database.executescript(f"drop trigger {name}_count")
    states = {t["task_id"]: t["state"] for t in airflow.api.task_instances(dag_id, run_id)}
    assert states[f"{name}.one"] == "success"
    assert states[f"{name}.two"] == "failed"
    of_nodes = [text for (text,) in requests if f'"{name}.two"' in text or ".one" in text]
    assert bool(of_nodes) == (name == "called"), requests
