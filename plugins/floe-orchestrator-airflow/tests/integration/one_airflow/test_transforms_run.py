"""Operators made from transforms run in a DAG that a user wrote."""

from __future__ import annotations

from collections.abc import Callable

from wait_for import wait_for

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.local.service import LocalAirflow

DAG_FILE = """
from airflow.sdk import DAG

from floe_core.plugin_interfaces import TransformConfig
from floe_orchestrator_airflow import AirflowPlugin

plugin = AirflowPlugin()
plugin.configure({{"project_dir": "{folder}"}})
with DAG("by_hand", schedule=None):
    plugin.create_assets_from_transforms(
        [TransformConfig("below", depends_on=["above"]), TransformConfig("above")]
    )
"""


def test_transforms_build_their_nodes_in_order(
    airflow: LocalAirflow,
    make_product: Callable[..., CompiledArtifacts],
    ask_warehouse: Callable[..., list[tuple]],
) -> None:
    models = {
        "above.sql": "select 7 as id",
        "below.sql": "select id + 1 as id from {{ ref('above') }}",
    }
    artifacts = make_product("transformed", models)
    (airflow.home.dags / "by_hand.py").write_text(DAG_FILE.format(folder=artifacts.project_dir))
    wait_for(lambda: airflow.api.dag("by_hand") is not None, 120)
    airflow.api.unpause("by_hand")
    run_id = airflow.api.trigger("by_hand", None, {})
    wait_for(lambda: airflow.api.run("by_hand", run_id)["state"] in ("success", "failed"), 120)
    tasks = {t["task_id"]: t["state"] for t in airflow.api.task_instances("by_hand", run_id)}
    assert tasks == {"above": "success", "below": "success"}
    assert ask_warehouse(artifacts, "select id from below") == [(8,)]
