"""Which run the environment says is above, against OpenLineage's own reader of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openlineage.common.provider.dbt.utils import get_parent_run_metadata

from floe_core.lineage.build_story import BuildStory
from floe_core.lineage.calling_run import CONTEXT, CallingRun, NamedRun, calling_run
from floe_core.secrets.redactor import Redactor

from .product import REQUEST, artifacts, result, started
from .specification import faults

TASK = NamedRun("0195505a-5180-7000-8000-000000000001", "default", "shop.dbt_build")
DAG = NamedRun("0195505a-5180-7000-8000-000000000002", "default", "shop")
TASK_ID = f"default/shop.dbt_build/{TASK.run_id}"
DAG_ID = f"default/shop/{DAG.run_id}"
ENVIRONMENTS = [
    {CONTEXT: CallingRun(TASK, DAG).to_context()},
    {CONTEXT: json.dumps({"parent": TASK.to_json()})},
    {"OPENLINEAGE_PARENT_ID": TASK_ID, "OPENLINEAGE_ROOT_PARENT_ID": DAG_ID},
    {"OPENLINEAGE_PARENT_ID": TASK_ID},
    {CONTEXT: CallingRun(DAG, DAG).to_context(), "OPENLINEAGE_PARENT_ID": TASK_ID},
    {},
]


def of_theirs() -> CallingRun | None:
    """Return what dbt-ol would take for the run above."""
    found = get_parent_run_metadata()
    if found is None:
        return None
    return CallingRun(
        NamedRun(found.run_id, found.job_namespace, found.job_name),
        NamedRun(
            found.root_parent_run_id, found.root_parent_job_namespace, found.root_parent_job_name
        ),
    )


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda e: "+".join(e) or "none")
def test_the_run_above_is_the_one_that_dbt_ol_would_name(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert calling_run() == of_theirs()


def test_a_namespace_with_slashes_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_PARENT_ID", f"https://airflow/prod/shop/{DAG.run_id}")
    above = NamedRun(DAG.run_id, "https://airflow/prod", "shop")
    assert calling_run() == CallingRun(above, above)


@pytest.mark.parametrize(
    "value", ["{", "[]", "{}", '{"parent": {"run": {"runId": "x"}}}', '{"parent": "a"}']
)
def test_what_cannot_be_read_names_none(
    value: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(CONTEXT, value)
    assert calling_run() is None
    assert caplog.messages == [
        "OPENLINEAGE_CONTEXT, OPENLINEAGE_PARENT_ID or OPENLINEAGE_ROOT_PARENT_ID is not readable, "
        "so no run is named as parent"
    ]


def test_a_product_is_below_what_called_it_and_its_nodes_know_the_root(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(CONTEXT, CallingRun(TASK, DAG).to_context())
    told = BuildStory(artifacts(Path("/product")), REQUEST, Redactor())
    (start,) = told.start(started("", 0).at)
    (node, _) = told.end_node(result("seed.shop.raw_orders", "success", 2), None)
    above = start["run"]["facets"]["parent"]
    assert (above["run"], above["job"]) == (TASK.to_json()["run"], TASK.to_json()["job"])
    assert above["root"] == DAG.to_json()
    parent = node["run"]["facets"]["parent"]
    assert parent["run"] == {"runId": start["run"]["runId"]}
    assert parent["job"] == {"namespace": "floe", "name": "shop"}
    assert parent["root"] == DAG.to_json()
    assert [faults(start), faults(node)] == [[], []]
