"""Steps that are images: pods of a Kubernetes API whose containers run as processes here."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kubernetes_of_steps import Cluster, kubernetes
from wait_for import wait_for

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, build
from floe_core.runs.build_events import BuildEnded, BuildEvent, DatasetFact, NodeLog, NodeResult
from floe_core.schemas import CompiledArtifacts
from floe_kubernetes.check import check_step_pods

WriteProduct = Callable[..., Path]
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0}
platform: {manifest: manifest.yaml}
steps:
  - name: train_model
    image: registry.example.com/train:1.4
    command: COMMAND
    reads: [orders]
    writes: [models.churn]
    retries: 1
    timeoutSeconds: 60
"""
# What the container does; it gets no more than its pod says.
WORK = """\
import json, os
print("training", os.environ["FLOE_STEP"], "of", os.environ["FLOE_RUN_ID"])
print(sorted(k for k in os.environ if k.startswith("FLOE_") or k == "SECRET"))
with open(os.environ["FLOE_FACTS_FILE"], "w") as facts:
    facts.write(json.dumps({"dataset": "models.churn", "rows": 3, "version": "v3"}) + "\\n")
"""
TEMPLATE = """\
apiVersion: v1
kind: Pod
metadata: {labels: {team: data}}
spec:
  serviceAccountName: training
  containers:
    - name: step
      image: replaced:1
      args: [replaced]
      env: [{name: SECRET, value: hidden}, {name: FLOE_STEP, value: replaced}]
      resources: {limits: {memory: 1Gi}}
"""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    with kubernetes(tmp_path / "cluster") as (found, config):
        monkeypatch.setenv("KUBECONFIG", str(config))
        yield found


@pytest.fixture
def shop(write_product: WriteProduct) -> Callable[[str], CompiledArtifacts]:
    """Return a function that compiles a product: orders -> train_model, which runs this Python."""

    def make(work: str = WORK) -> CompiledArtifacts:
        command = json.dumps([sys.executable, "-uc", work])
        folder = write_product(
            floe=FLOE.replace("COMMAND", command),
            dbt_project="name: shop\nversion: 1.0.0\nprofile: shop\n",
            orders="select 1 as id",
        )
        compile_product(folder)
        return CompiledArtifacts.load(folder)

    return make


Shop = Callable[..., CompiledArtifacts]


def run(artifacts: CompiledArtifacts, attempt: int = 1, **request: object) -> list[BuildEvent]:
    chosen = BuildRequest("shop", "one", attempt=attempt, **request)  # type: ignore[arg-type]
    return list(build(artifacts, chosen))


def end_of_step(events: list[BuildEvent]) -> NodeResult:
    ended = [event for event in events if isinstance(event, NodeResult)]
    [found] = [event for event in ended if event.unique_id == "step.shop.train_model"]
    return found


def log_of_step(events: list[BuildEvent]) -> list[str]:
    logs = [event for event in events if isinstance(event, NodeLog)]
    return [event.text for event in logs if event.unique_id == "step.shop.train_model"]


def test_an_image_runs_as_a_pod_with_its_log_and_its_facts(cluster: Cluster, shop: Shop) -> None:
    events = run(shop())

    assert events[-1] == BuildEnded(succeeded=True)
    ended = end_of_step(events)
    assert (ended.status, ended.rows) == ("success", 3)
    assert ended.datasets == (DatasetFact("models.churn", 3, "v3"),)
    [pod] = cluster.created
    name = pod["metadata"]["name"]
    assert name.startswith("floe-shop-train-model-")
    told, training, variables = log_of_step(events)
    assert told == f"pod {name} in namespace data, image registry.example.com/train:1.4"
    assert training == "training train_model of one"
    # Of our own machine's paths the container knows none.
    assert "FLOE_NOMINAL_TIME" in variables
    assert "FLOE_PROJECT_DIR" not in variables
    assert cluster.names() == []
    assert pod["spec"]["restartPolicy"] == "Never"
    assert pod["spec"]["activeDeadlineSeconds"] == 120
    assert pod["metadata"]["labels"]["floe.dev/step"] == "train_model"


def test_the_platforms_template_is_kept_but_for_what_the_step_asks(
    cluster: Cluster, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = tmp_path / "pod.yaml"
    template.write_text(TEMPLATE)
    monkeypatch.setenv("FLOE_STEP_POD_TEMPLATE", str(template))
    events = run(shop())

    assert end_of_step(events).status == "success"
    [pod] = cluster.created
    [container] = pod["spec"]["containers"]
    assert pod["spec"]["serviceAccountName"] == "training"
    assert pod["metadata"]["labels"]["team"] == "data"
    assert container["image"] == "registry.example.com/train:1.4"
    assert container["resources"] == {"limits": {"memory": "1Gi"}}
    assert "args" not in container
    env = {each["name"]: each["value"] for each in container["env"]}
    assert (env["SECRET"], env["FLOE_STEP"]) == ("hidden", "train_model")


@pytest.mark.long
@pytest.mark.parametrize(
    "text", ["just text", "kind: Job", "metadata:", "spec: {containers: step}", "a: [", None]
)
def test_a_template_that_is_no_pod_fails_the_step_and_is_named(
    cluster: Cluster,
    shop: Shop,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str | None,
) -> None:
    template = tmp_path / "pod.yaml"
    if text is not None:
        template.write_text(text)
    monkeypatch.setenv("FLOE_STEP_POD_TEMPLATE", str(template))
    ended = end_of_step(run(shop()))

    assert f"FLOE_STEP_POD_TEMPLATE={template}: " in ended.message
    assert "Traceback" not in ended.message
    assert cluster.created == []


def test_a_container_that_fails_fails_the_step_with_the_end_of_its_log(
    cluster: Cluster, shop: Shop
) -> None:
    ended = end_of_step(run(shop("import sys\nprint('no data')\nsys.exit(3)")))

    assert ended.status == "error"
    assert ended.message.startswith("exited with 3")
    assert ended.message.endswith("no data\nthe container ended: Error")
    assert cluster.names() == []


def test_a_log_that_breaks_off_is_followed_on_without_a_line_twice(
    cluster: Cluster, shop: Shop
) -> None:
    cluster.breaks = 4
    work = "import time\nfor n in range(9):\n    print(n)\n    time.sleep(0.1)\n"
    artifacts = shop(work)
    # Each answer has four lines at most; the next one begins where the last ended.
    threading.Timer(8, lambda: setattr(cluster, "breaks", None)).start()
    events = run(artifacts)

    assert end_of_step(events).status == "success"
    assert log_of_step(events)[1:5] == ["0", "1", "2", "3"]
    assert len(set(log_of_step(events))) == len(log_of_step(events))


@pytest.mark.long
def test_a_step_over_its_time_leaves_no_pod(cluster: Cluster, shop: Shop) -> None:
    artifacts = shop("import time\ntime.sleep(600)")
    nodes = [
        node.model_copy(update={"timeout_seconds": 15}) if node.is_step else node
        for node in artifacts.nodes
    ]
    events = run(artifacts.model_copy(update={"nodes": tuple(nodes)}))

    assert end_of_step(events).status == "error"
    assert "15 s" in end_of_step(events).message
    assert len(cluster.created) == 1
    assert cluster.names() == []


def test_a_pod_that_a_killed_attempt_left_is_removed_by_the_next(
    cluster: Cluster, shop: Shop
) -> None:
    artifacts = shop("import os, sys\nsys.exit(os.environ['FLOE_ATTEMPT'] == '1')")
    assert end_of_step(run(artifacts)).status == "error"
    left = json.loads(json.dumps(cluster.created[0]))
    left["metadata"]["name"] = "floe-shop-train-model-00000000"
    left["spec"]["containers"][0]["command"] = ["sleep", "600"]
    cluster.create(left)
    events = run(artifacts, attempt=2)

    assert "floe-shop-train-model-00000000" in cluster.deleted
    assert end_of_step(events).status == "success"
    assert any("was left by an attempt that was killed" in line for line in log_of_step(events))
    assert cluster.names() == []


def test_a_pod_that_a_killed_run_left_is_removed_by_a_run_that_retries_it(
    cluster: Cluster, shop: Shop
) -> None:
    artifacts = shop()
    run(artifacts)
    left = json.loads(json.dumps(cluster.created[0]))
    left["metadata"]["name"] = "floe-shop-train-model-00000000"
    left["spec"]["containers"][0]["command"] = ["sleep", "600"]
    cluster.create(left)
    retry = BuildRequest("shop", "two", root_run_id="one")
    events = list(build(artifacts, retry))

    assert "floe-shop-train-model-00000000" in cluster.deleted
    assert end_of_step(events).status == "success"


def test_an_image_that_has_no_such_name_is_not_waited_for(cluster: Cluster, shop: Shop) -> None:
    cluster.waiting = {"reason": "InvalidImageName", "message": "couldn't parse image name"}
    ended = end_of_step(run(shop()))

    assert ended.status == "error"
    assert "the container did not start: InvalidImageName: couldn't parse" in ended.message
    assert cluster.names() == []


@pytest.mark.long
def test_a_pod_that_does_not_start_in_time_fails_the_step(
    cluster: Cluster, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOE_STEP_POD_START_SECONDS", "2")
    cluster.waiting = {"reason": "ImagePullBackOff"}
    events = run(shop())

    assert "did not start within 2 s: ImagePullBackOff" in end_of_step(events).message
    assert "waiting: ImagePullBackOff" in log_of_step(events)
    assert cluster.names() == []


@pytest.mark.long
def test_a_control_plane_that_is_away_for_a_while_is_waited_for(
    cluster: Cluster, shop: Shop
) -> None:
    artifacts = shop("import time\ntime.sleep(3)\nprint('done')")
    cluster.is_away = True
    threading.Timer(6, lambda: setattr(cluster, "is_away", False)).start()
    events = run(artifacts)

    assert end_of_step(events).status == "success"
    assert log_of_step(events)[-1] == "done"
    assert len(cluster.created) == 1


def test_a_pod_that_someone_deletes_fails_the_step(cluster: Cluster, shop: Shop) -> None:
    artifacts = shop("import time\nprint('up')\ntime.sleep(600)")

    def delete() -> None:
        while not cluster.names():
            time.sleep(0.2)
        time.sleep(2)
        cluster.delete(cluster.names()[0])

    threading.Thread(target=delete).start()
    ended = end_of_step(run(artifacts))

    assert ended.status == "error"
    assert "the pod was deleted" in ended.message


@pytest.mark.long
def test_a_log_that_may_not_be_read_is_told_once_and_the_step_goes_on(
    tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kubernetes(
        tmp_path / "strict", allows=lambda token, verb, resource: resource != "pods/log"
    ) as (_, config):
        monkeypatch.setenv("KUBECONFIG", str(config))
        events = run(shop("import time\ntime.sleep(3)"))

    assert end_of_step(events).status == "success"
    told = [line for line in log_of_step(events) if "can't be shown" in line]
    assert told == ["the log of the pod can't be shown: Kubernetes refused: HTTP 403: Forbidden"]


def test_pods_that_may_not_be_created_fail_the_step_with_what_kubernetes_says(
    tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kubernetes(tmp_path / "strict", allows=lambda token, verb, resource: verb != "create") as (
        cluster,
        config,
    ):
        monkeypatch.setenv("KUBECONFIG", str(config))
        ended = end_of_step(run(shop()))

    assert ended.status == "error"
    assert "Kubernetes refused: HTTP 403" in ended.message
    assert cluster.created == []


def test_without_the_client_the_extra_is_named(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kubernetes.py").write_text(
        "raise ModuleNotFoundError('no kubernetes', name='kubernetes')"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    ended = end_of_step(run(shop()))

    assert "pip install 'floe-orchestration[kubernetes]'" in ended.message


def test_no_cluster_is_told(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    ended = end_of_step(run(shop()))

    assert ended.status == "error"
    assert "floe runs in no pod, and there is no kubeconfig that works" in ended.message


def test_doctor_says_whether_steps_could_run_and_what_was_left(
    cluster: Cluster, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts = shop()
    [found] = check_step_pods(artifacts)
    assert (found.severity, found.what) == ("ok", "the namespace data answers; no pod is left")
    run(artifacts)
    left = json.loads(json.dumps(cluster.created[0]))
    left["metadata"]["name"] = "floe-shop-train-model-00000000"
    cluster.create(left)
    [found] = check_step_pods(artifacts)
    assert found.severity == "warning"
    assert found.fix.endswith("kubectl delete pod -n data floe-shop-train-model-00000000")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    [found] = check_step_pods(artifacts)
    assert (found.severity, "no kubeconfig that works" in found.what) == ("problem", True)


def test_a_killed_build_leaves_no_pod(cluster: Cluster, shop: Shop) -> None:
    artifacts = shop("import time\nprint('up')\ntime.sleep(600)")
    child = os.fork()
    if child == 0:
        try:
            run(artifacts)
        finally:
            os._exit(0)
    while not cluster.names():
        time.sleep(0.2)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    wait_for(lambda: not cluster.names())
