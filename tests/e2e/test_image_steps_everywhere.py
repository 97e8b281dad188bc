"""A step with an image runs as the same pod, with the same end, on each orchestrator."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from kubernetes_of_steps import kubernetes
from warm_floe import floe

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: dagster}
  compute: {type: duckdb, config: {path: "{product_slug}.duckdb"}}
"""
SPEC = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: scoring, version: 1.0.0}
platform: {manifest: manifest.yaml}
steps:
  - name: train
    image: registry.example.com/train:1.4
    command: COMMAND
    reads: [orders]
    writes: [models.churn]
"""
WORK = """\
import json, os
print("training in a pod")
with open(os.environ["FLOE_FACTS_FILE"], "w") as facts:
    facts.write(json.dumps({"dataset": "models.churn", "rows": 3}))
"""


def test_each_orchestrator_runs_it(tmp_path: Path) -> None:
    product = tmp_path / "scoring"
    (product / "models").mkdir(parents=True)
    (product / "manifest.yaml").write_text(MANIFEST)
    command = json.dumps([sys.executable, "-c", WORK])
    (product / "floe.yaml").write_text(SPEC.replace("COMMAND", command))
    (product / "dbt_project.yml").write_text("name: scoring\nversion: 1.0.0\nprofile: scoring\n")
    (product / "models" / "orders.sql").write_text("select 1 as id")
    with kubernetes(tmp_path / "cluster") as (cluster, config):
        sides = ("--on", "dagster", "--on", "airflow", "--on", "prefect")
        done = floe("parity", str(product), *sides, "--json", KUBECONFIG=str(config))

    assert done.returncode == 0, done.stdout + done.stderr
    made = [pod["metadata"]["labels"]["floe.dev/step"] for pod in cluster.created]
    assert made == ["train"] * 3
    assert cluster.names() == []
    of_step = {each["spec"]["containers"][0]["image"] for each in cluster.created}
    assert of_step == {"registry.example.com/train:1.4"}
