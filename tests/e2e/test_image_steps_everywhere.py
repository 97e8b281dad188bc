"""A step with an image runs as the same pod, with the same end, on each orchestrator."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import psutil
import pytest
from dagster_pages import reexecute
from everywhere import has_begun, launch_on_dagster
from kubernetes_of_steps import kubernetes
from wait_for import wait_for
from warm_floe import floe
from what_works_at import worker_of_step_in

from floe_core.compiler import compile_product
from floe_core.plugin_api.powers import RunOptions
from floe_core.runs.build_events import BuildEvent

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


# Tells when it works, to the file that the first word names. The first one works on and on.
DIARY = """\
import os, signal, sys, time
def write(what):
    with open(sys.argv[1], "a") as diary:
        diary.write(what + "\\n")
def end(*_):
    time.sleep(1)
    write("ended")
    sys.exit(1)
signal.signal(signal.SIGTERM, end)
is_first = not os.path.exists(sys.argv[1])
write("began")
time.sleep(600 if is_first else 0)
write("done")
"""


def write_product(product: Path, *command: str) -> Path:
    (product / "models").mkdir(parents=True)
    (product / "manifest.yaml").write_text(MANIFEST)
    (product / "floe.yaml").write_text(SPEC.replace("COMMAND", json.dumps(command)))
    (product / "dbt_project.yml").write_text("name: scoring\nversion: 1.0.0\nprofile: scoring\n")
    (product / "models" / "orders.sql").write_text("select 1 as id")
    return product


def kill_as_with_its_machine(worker: psutil.Process) -> None:
    """Kill a run's worker and all that it started, so that none can clean up after another."""
    tree = [worker, *worker.children(recursive=True)]
    for process in tree:
        process.suspend()
    for process in tree:
        process.kill()


@pytest.mark.parametrize("strategy", ["ALL_STEPS", "FROM_FAILURE"])
def test_a_killed_dagster_run_executed_again_ends_the_pod_that_it_left_first(
    strategy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    diary = tmp_path / "diary"
    command = (sys.executable, "-c", DIARY, str(diary))
    artifacts = compile_product(write_product(tmp_path / "scoring", *command))
    with kubernetes(tmp_path / "cluster") as (cluster, config):
        monkeypatch.setenv("KUBECONFIG", str(config))

        def kill(event: BuildEvent) -> None:
            if has_begun(event, "train"):
                wait_for(diary.exists)
                kill_as_with_its_machine(worker_of_step_in(artifacts))

        killed = launch_on_dagster(artifacts, RunOptions("scoring"), kill)
        [left] = cluster.names()
        assert (killed.status, diary.read_text()) == ("failed", "began\n")
        again = reexecute(artifacts, killed.run_id, strategy)

        assert again.status == "success", again
        assert diary.read_text().split() == ["began", "ended", "began", "done"]
        first, second = (pod["metadata"]["name"] for pod in cluster.created)
        assert (left, cluster.deleted, cluster.names()) == (first, [first, second], [])


def test_each_orchestrator_runs_it(tmp_path: Path) -> None:
    product = write_product(tmp_path / "scoring", sys.executable, "-c", WORK)
    with kubernetes(tmp_path / "cluster") as (cluster, config):
        sides = ("--on", "dagster", "--on", "airflow", "--on", "prefect")
        done = floe("parity", str(product), *sides, "--json", KUBECONFIG=str(config))

    assert done.returncode == 0, done.stdout + done.stderr
    made = [pod["metadata"]["labels"]["floe.dev/step"] for pod in cluster.created]
    assert made == ["train"] * 3
    assert cluster.names() == []
    of_step = {each["spec"]["containers"][0]["image"] for each in cluster.created}
    assert of_step == {"registry.example.com/train:1.4"}
