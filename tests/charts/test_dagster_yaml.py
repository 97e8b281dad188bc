"""Dagster itself reads what the chart writes for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import network_flows
import pytest
import restricted_pods
from chart_values import merged
from charts import CHARTS, config_map_texts
from dagster._core.instance.config import dagster_instance_config
from dagster._core.workspace.config_schema import process_workspace_config
from dagster_run_pods import launched_jobs

[CHART] = [each for each in CHARTS if each.name == "floe-dagster"]
EVERYTHING = Path(__file__).parent / "bases" / CHART.name / "everything.yaml"
SCENARIOS = {**CHART.scenarios, "everything": EVERYTHING}
each_scenario = pytest.mark.parametrize("values", SCENARIOS.values(), ids=SCENARIOS)


@each_scenario
def test_dagster_reads_its_dagster_yaml(values: Any, tmp_path: Path) -> None:
    for thing in CHART.objects(values):
        if "dagster.yaml" in thing.get("data", {}):
            (tmp_path / "dagster.yaml").write_text(thing["data"]["dagster.yaml"])
            config, _ = dagster_instance_config(str(tmp_path))
            assert config["storage"]["postgres"]["postgres_db"]["scheme"] == "postgresql+psycopg2"


@each_scenario
def test_dagster_reads_its_workspace(values: Any) -> None:
    for workspace in config_map_texts(CHART.objects(values), "workspace.yaml"):
        read = process_workspace_config(workspace)
        assert read.success, read.errors


def test_a_code_locations_own_settings_reach_its_runs_and_no_others() -> None:
    """Through the container context, which the launcher merges into what all runs have."""
    one, two = launched_jobs(CHART.objects({"codeLocations": [WHOLE, {"name": "plain"}]}))
    own, plain = (job["spec"]["template"]["spec"] for job in (one, two))
    assert own["containers"][0]["image"] == "shop:2"
    assert own["containers"][0]["resources"] == WHOLE["runs"]["resources"]
    assert own["serviceAccountName"] == "shop-runs"
    assert own["nodeSelector"] == {"pool": "heavy"}
    assert own["tolerations"] == [{"key": "heavy"}]
    assert {"name": "SHOP", "value": "1"} in own["containers"][0]["env"]
    assert {"name": "more", "mountPath": "/more"} in own["containers"][0]["volumeMounts"]
    assert {"name": "more", "emptyDir": {}} in own["volumes"]
    theirs = str(plain)
    assert [word for word in ("shop", "heavy", "SHOP", "more") if word in theirs] == []


def test_a_webserver_that_changes_nothing_has_no_token_and_no_role() -> None:
    objects = CHART.objects({"webserver": {"readOnly": True}})
    assert restricted_pods.findings(CHART.pods(objects), {"daemon"}) == []
    assert [each["metadata"]["name"] for each in objects if each["kind"] == "Role"] == [
        "floe-floe-dagster-daemon"
    ]
    values = merged(CHART.folder / "values.yaml", {"webserver": {"readOnly": True}})
    api = {
        flow.source for flow in network_flows.declared(CHART.folder, values) if flow.port == 6443
    }
    assert api == {"daemon"}


@pytest.mark.parametrize(
    ("config", "refused"),
    [
        ({"pod_spec_config": {"host_network": True}}, "pod_spec_config.host_network"),
        ({"pod_spec_config": {"serviceAccountName": "other"}}, "pod_spec_config.service_account"),
        ({"container_config": {"securityContext": {}}}, "container_config.security_context"),
        ({"job_spec_config": {"parallelism": 9}}, "job_spec_config.parallelism"),
    ],
)
def test_a_runs_tag_changes_no_more_of_its_pod_than_is_allowed(config: Any, refused: str) -> None:
    objects = CHART.objects({"codeLocations": [{"name": "plain"}]})
    with pytest.raises(Exception, match=refused):
        list(launched_jobs(objects, {"dagster-k8s/config": json.dumps(config)}))


def test_a_runs_tag_may_ask_for_other_resources() -> None:
    wanted = {"requests": {"cpu": "2", "memory": "2Gi"}, "limits": {"cpu": "2", "memory": "2Gi"}}
    config = {"container_config": {"resources": wanted}}
    objects = CHART.objects({"codeLocations": [{"name": "plain"}]})
    [job] = launched_jobs(objects, {"dagster-k8s/config": json.dumps(config)})
    assert job["spec"]["template"]["spec"]["containers"][0]["resources"] == wanted


WHOLE = {
    "name": "shop",
    "image": {"repository": "shop", "tag": "2"},
    "runs": {
        "serviceAccountName": "shop-runs",
        "resources": {
            "requests": {"cpu": "3", "memory": "3Gi"},
            "limits": {"cpu": "5", "memory": "3Gi"},
        },
        "extraEnv": [{"name": "SHOP", "value": "1"}],
        "extraVolumes": [{"name": "more", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
        "nodeSelector": {"pool": "heavy"},
        "tolerations": [{"key": "heavy"}],
    },
}
