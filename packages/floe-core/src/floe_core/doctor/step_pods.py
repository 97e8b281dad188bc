"""Whether the steps that are images could run as pods from here, and the pods that builds left."""

from __future__ import annotations

from floe_core.doctor.finding import Finding
from floe_core.errors import EnvironmentProblemError
from floe_core.execution.step_pods.cluster import Cluster
from floe_core.execution.step_pods.pod_order import MANAGED_BY_FLOE, PRODUCT_LABEL
from floe_core.execution.step_pods.run_image import read_template
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

SUBJECT = "step pods"
PATIENCE_SECONDS = 10.0


def check_step_pods(artifacts: CompiledArtifacts) -> list[Finding]:
    """Return how the cluster is that the steps of a product would run in; nothing without such."""
    if not any(step.image for step in artifacts.steps):
        return []
    try:
        template = read_template()
        cluster = Cluster.connect(template.get("metadata", {}).get("namespace", ""))
    except EnvironmentProblemError as error:
        return [Finding(SUBJECT, "problem", str(error), "see docs/steps.md, section Images")]
    from kubernetes.client import ApiException
    from urllib3.exceptions import HTTPError

    labels = {**MANAGED_BY_FLOE, PRODUCT_LABEL: artifacts.product.name}
    try:
        names = cluster.list_names(labels, PATIENCE_SECONDS)
    except ApiException as error:
        what = f"Kubernetes refused to list pods in {cluster.namespace}: HTTP {error.status}"
        fix = "give the service account the permissions of docs/steps.md, section Images"
        return [Finding(SUBJECT, "problem", what, fix)]
    except HTTPError as error:
        what = f"Kubernetes does not answer: {error}"
        return [Finding(SUBJECT, "problem", what, "kubectl cluster-info")]
    if names:
        what = f"there are pods of steps in {cluster.namespace}: {', '.join(names)}"
        fix = f"if no run is on: kubectl delete pod -n {cluster.namespace} {' '.join(names)}"
        return [Finding(SUBJECT, "warning", what, fix)]
    return [Finding(SUBJECT, "ok", f"the namespace {cluster.namespace} answers; no pod is left")]
