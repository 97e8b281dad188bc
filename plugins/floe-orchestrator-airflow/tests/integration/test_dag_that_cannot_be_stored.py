"""A DAG that Airflow reads but can't store: `floe run` says so, and does not wait for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import RunOptions
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.local.launch import run_in
from floe_orchestrator_airflow.local.service import LocalAirflow

# A cluster's own policy, which Airflow calls for each DAG file that it reads.
POLICY = """
from airflow.sdk import Asset

def task_policy(task):
    task.outlets = [Asset(name="floe://ü", uri="floe://ü")]
"""


def test_the_reason_is_named(hello: CompiledArtifacts, tmp_path: Path) -> None:
    (tmp_path / "airflow_local_settings.py").write_text(POLICY)
    variables = {"PYTHONPATH": str(tmp_path)}
    with (
        pytest.raises(EnvironmentProblemError) as raised,
        LocalAirflow(tmp_path / "airflow", hello, variables=variables) as airflow,
    ):
        run_in(airflow, hello, RunOptions(job="hello"), lambda event: None)
    first, *trace = str(raised.value).splitlines()
    assert first == "Airflow read hello, but can't store it:"
    assert trace[-1] == "ValueError: URI must be ascii"
