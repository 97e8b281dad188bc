"""checkov, an independent reader of policies, finds nothing but what is skipped for a reason."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from charts import CHARTS, Chart, each_chart

pytestmark = pytest.mark.slow
CHECKOV = "checkov==3.3.30"
SKIPPED = {
    "CKV2_K8S_6": "examples/development.yaml turns NetworkPolicies off",
    "CKV_K8S_9": "no Service leads to what has no readiness probe",
    "CKV_K8S_11": "no limit of CPU on what stays: a throttled component fails its probes; "
    "examples/restricted-cluster.yaml sets them",
    "CKV_K8S_15": "images are pinned by tag or digest, so what the node has is what is meant",
    "CKV_K8S_35": "neither Dagster nor Airflow reads its database password from a file",
    "CKV_K8S_38": "these start pods, so they need a token; all others have none",
    "CKV_K8S_40": "on OpenShift the cluster chooses the user: examples/openshift.yaml",
    "CKV_K8S_43": "a digest is the user's: image.digest; examples/restricted-cluster.yaml has them",
}
# What checkov finds in the official charts with external PostgreSQL, and no more than a third.
MOST = {"floe-dagster": 68 // 3, "floe-airflow": 93 // 3}


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Counter[str]]:
    """Return `chart-scenario` -> how often each check failed in it."""
    folder = tmp_path_factory.mktemp("rendered")
    for chart in CHARTS:
        for name, values in chart.scenarios.items():
            objects = chart.objects(values)
            objects += [launched(pod.spec, pod.labels) for pod in chart.launched(objects)]
            (folder / f"{chart.name}-{name}.yaml").write_text(yaml.safe_dump_all(objects))
    uv = Path(sys.executable).with_name("uv")
    command = [uv, "tool", "run", "--quiet", "--from", CHECKOV, "checkov", "--directory", folder]
    options = ["--framework", "kubernetes", "--output", "json", "--compact", "--skip-download"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    found: dict[str, Counter[str]] = {path.stem: Counter() for path in folder.iterdir()}
    for each in json.loads(done.stdout)["results"]["failed_checks"]:
        found[Path(each["file_path"]).stem][each["check_id"]] += 1
    return found


def launched(spec: Any, labels: dict[str, str]) -> dict[str, Any]:
    """Return a pod as the Job it is to a policy: one that ends, so nobody probes it."""
    metadata = {"name": "launched", "namespace": "data", "labels": labels}
    template = {"metadata": {"labels": labels}, "spec": spec}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {"template": template},
    }


@each_chart
def test_no_check_fails_that_is_not_skipped_for_a_reason(
    chart: Chart, failed: dict[str, Counter[str]]
) -> None:
    found = {name: set(of) for name, of in failed.items() if name.startswith(chart.name)}
    assert {name: ids - set(SKIPPED) for name, ids in found.items() if ids - set(SKIPPED)} == {}


@each_chart
def test_fewer_checks_fail_than_in_a_third_of_the_official_chart(
    chart: Chart, failed: dict[str, Counter[str]]
) -> None:
    assert failed[f"{chart.name}-defaults"].total() <= MOST[chart.name]


def test_every_skip_is_of_use(failed: dict[str, Counter[str]]) -> None:
    assert set(SKIPPED) <= {check for of in failed.values() for check in of}
