"""A DAG that Airflow can't read or store: `floe run` says why, and does not wait for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import RunOptions
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.local.launch import run_in
from floe_orchestrator_airflow.local.service import LocalAirflow

# A cluster's own policies, which Airflow calls for each DAG that it reads.
POLICIES = """
import os
import time

from airflow.exceptions import AirflowClusterPolicySkipDag, AirflowClusterPolicyViolation
from airflow.sdk import Asset

def task_policy(task):
    if task.dag_id == "uri":
        task.outlets = [Asset(name="floe://ü", uri="floe://ü")]
    if task.dag_id == "refused":
        raise AirflowClusterPolicyViolation("it has no owner")

def dag_policy(dag):
    if dag.dag_id == "twice":
        dag.add_task(dag.tasks[0])
    if dag.dag_id == "object":
        dag.params["lock"] = object()
    if dag.dag_id == "skipped":
        raise AirflowClusterPolicySkipDag("not here")
    if dag.dag_id == "ended":
        os._exit(1)
    if dag.dag_id == "hangs":
        time.sleep(600)
"""
UNREAD = "Airflow could not read the product's dag.py:"
# name -> the first words that `floe run` says, and the last ones of that or of the traceback.
REASONS = {
    "uri": ("Airflow read uri, but can't store it:", "ValueError: URI must be ascii"),
    "refused": (UNREAD, "AirflowClusterPolicyViolation: it has no owner"),
    "twice": (UNREAD, "Task id 'dbt_build' has already been added to the DAG"),
    "object": (UNREAD, "is not serializable."),
    "skipped": (
        "Airflow read skipped.py, but has no skipped: a policy in airflow_local_settings.py skips ",
        "logs/dag_processor",
    ),
    "ended": (
        "Airflow read ended.py, but has no ended: the process that read it ended after ",
        "logs/dag_processor",
    ),
    "hangs": (
        "Airflow read hangs.py, but has no hangs: the process that read it ended after 2",
        "logs/dag_processor",
    ),
}

Make = Callable[..., CompiledArtifacts]


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAirflow]:
    folder = tmp_path_factory.mktemp("with-policies")
    (folder / "airflow_local_settings.py").write_text(POLICIES)
    # Airflow's own time for a file is 50 s.
    patience = {"AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "20"}
    variables = {"PYTHONPATH": str(folder), **patience}
    with LocalAirflow(folder / "airflow", variables=variables) as running:
        yield running


@pytest.mark.parametrize("name", list(REASONS))
def test_the_reason_is_named(name: str, airflow: LocalAirflow, make_product: Make) -> None:
    product = make_product(name, {"first.sql": "select 1 as id"})
    with pytest.raises(EnvironmentProblemError) as raised:
        run_in(airflow, product, RunOptions(job=name), lambda event: None)
    first, last = REASONS[name]
    assert str(raised.value).startswith(first)
    assert str(raised.value).rstrip().endswith(last)
