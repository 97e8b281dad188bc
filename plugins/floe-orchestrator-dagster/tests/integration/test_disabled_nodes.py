"""A run whose vars disable nodes: green, and without their assets."""

from __future__ import annotations

from dagster import DagsterEventType, DagsterInstance

from floe_core.plugin_api.powers import RunOptions
from floe_core.runs.run_parameters import RunParameters
from floe_orchestrator_dagster import DagsterPlugin

MODELS = {
    "models/first.sql": "select 1 as id",
    "models/optional.sql": (
        "{{ config(enabled=var('optional', true)) }} select * from {{ ref('first') }}"
    ),
}


def test_a_disabled_node_is_not_materialized_and_named_in_a_green_run(compiled):
    product = compiled(MODELS)
    options = RunOptions("web-shop", parameters=RunParameters(vars={"optional": False}))
    report = DagsterPlugin().launch_run(product, options, lambda event: None)
    assert (report.status, report.message) == ("success", "")
    statuses = {node_id.split(".")[2]: each.status for node_id, each in report.nodes.items()}
    assert statuses == {"first": "success", "optional": "skipped"}
    folder = str(product.project_dir / ".floe" / "dagster")
    with DagsterInstance.from_config(folder) as instance:
        logs = instance.all_logs(report.run_id)
    events = [entry.dagster_event for entry in logs if entry.dagster_event]
    built = [e for e in events if e.event_type == DagsterEventType.ASSET_MATERIALIZATION]
    assert [event.asset_key.path[-1] for event in built] == ["first"]
    [warning] = [entry.user_message for entry in logs if entry.level == 30]
    assert warning.startswith("disabled by the vars of this run: model.")
