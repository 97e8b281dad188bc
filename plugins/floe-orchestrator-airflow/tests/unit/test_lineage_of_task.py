"""What Airflow's own OpenLineage provider makes of floe's tasks."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.providers.openlineage.extractors import ExtractorManager, OperatorLineage
from airflow.sdk import DAG, Asset, BaseOperator
from airflow.utils.state import TaskInstanceState

from floe_core.lineage.backend import is_configured
from floe_core.lineage.calling_run import calling_run
from floe_core.lineage.sending.transport import open_transport
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import LineageSettings
from floe_orchestrator_airflow.task.build_operator import FloeBuildOperator
from floe_orchestrator_airflow.task.lineage_of_task import below_task

DISABLED, TRANSPORT = "AIRFLOW__OPENLINEAGE__DISABLED", "AIRFLOW__OPENLINEAGE__TRANSPORT"


@pytest.fixture(autouse=True)
def _nothing_else_is_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [*os.environ]:
        if name.startswith(("OPENLINEAGE", "AIRFLOW__OPENLINEAGE")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def build_task() -> FloeBuildOperator:
    outlets = [Asset(name="shop/orders", uri="floe://shop/orders")]
    with DAG("shop"):
        return FloeBuildOperator(
            task_id="dbt_build", project_dir=Path("/shop"), job="shop", outlets=outlets
        )


class Plain(BaseOperator):
    """An operator of which the provider knows nothing."""


def extracted(task: BaseOperator, state: TaskInstanceState) -> OperatorLineage:
    """Return what the provider's own extraction finds in a task."""
    return ExtractorManager().extract_metadata(
        dagrun=SimpleNamespace(run_id="manual__1"),
        task=task,
        task_instance_state=state,
        task_instance=SimpleNamespace(),
    )


@pytest.mark.parametrize(
    "state", [TaskInstanceState.RUNNING, TaskInstanceState.SUCCESS, TaskInstanceState.FAILED]
)
def test_the_provider_finds_no_data_and_no_fields_of_the_operator(state: TaskInstanceState) -> None:
    assert extracted(build_task(), state) == OperatorLineage()
    with DAG("other"):
        plain = Plain(task_id="plain")
    assert "unknownSourceAttribute" in extracted(plain, state).run_facets


@pytest.fixture
def task_instance() -> SimpleNamespace:
    """Return the fields of a task instance that the provider derives its run ids from."""
    moment = datetime(2026, 3, 1, 6, tzinfo=UTC)
    run = SimpleNamespace(logical_date=moment, run_after=moment, clear_number=0, conf={})
    context = {"dag_run": run, "logical_date": moment}
    return SimpleNamespace(
        dag_id="shop",
        task_id="dbt_build",
        try_number=1,
        map_index=-1,
        logical_date=moment,
        dag_run=run,
        get_template_context=lambda: context,
    )


@pytest.fixture
def product(make_artifacts: Callable[..., CompiledArtifacts], tmp_path: Path) -> CompiledArtifacts:
    return make_artifacts().bound_to(tmp_path)


def is_told(product: CompiledArtifacts) -> bool:
    assert product.project_dir is not None
    return is_configured(product.lineage, product.project_dir)


def test_where_the_provider_is_off_no_run_is_above_and_its_backend_is_not_taken(
    task_instance: SimpleNamespace, product: CompiledArtifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TRANSPORT, json.dumps({"type": "http", "url": "http://127.0.0.1:9"}))
    monkeypatch.setenv(DISABLED, "True")
    with below_task(build_task(), task_instance, product):
        assert calling_run() is None
        assert not is_told(product)


def test_where_the_provider_tells_of_the_task_it_is_above_and_the_dag_run_is_the_root(
    task_instance: SimpleNamespace, product: CompiledArtifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:9")
    with below_task(build_task(), task_instance, product):
        found = calling_run()
    assert found is not None
    assert (found.parent.namespace, found.parent.job) == ("default", "shop.dbt_build")
    assert (found.root.namespace, found.root.job) == ("default", "shop")
    assert calling_run() is None


def test_where_the_provider_is_told_to_leave_floe_out_no_run_is_above(
    task_instance: SimpleNamespace, product: CompiledArtifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:9")
    rule = {"scope": {"dag_id": "shop"}, "controls": {"emit": False}}
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__EMISSION_POLICY", json.dumps([rule]))
    with below_task(build_task(), task_instance, product):
        assert calling_run() is None


def test_the_providers_backend_takes_floes_events_where_floe_knows_of_none(
    task_instance: SimpleNamespace, product: CompiledArtifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TRANSPORT, json.dumps({"type": "http", "url": "http://127.0.0.1:9"}))
    assert not is_told(product)
    with below_task(build_task(), task_instance, product):
        assert is_told(product)
        transport = open_transport(product.lineage, Path())
        assert (transport.kind, transport.url) == ("http", "http://127.0.0.1:9")
    assert not is_told(product)


@pytest.mark.parametrize(
    "lineage",
    [
        LineageSettings(enabled=False),
        LineageSettings(config={"type": "file", "log_file_path": "events"}),
    ],
    ids=["lineage is off", "a backend of its own"],
)
def test_a_products_own_settings_go_before_the_providers(
    task_instance: SimpleNamespace,
    make_artifacts: Callable[..., CompiledArtifacts],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lineage: LineageSettings,
) -> None:
    product = make_artifacts(lineage=lineage.model_dump()).bound_to(tmp_path)
    monkeypatch.setenv(TRANSPORT, json.dumps({"type": "http", "url": "http://127.0.0.1:9"}))
    with below_task(build_task(), task_instance, product):
        assert "OPENLINEAGE__TRANSPORT" not in os.environ
