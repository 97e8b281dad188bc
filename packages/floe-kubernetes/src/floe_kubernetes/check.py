"""Check whether steps with images could run as pods from here, and find leftover pods."""

from __future__ import annotations

from floe_core.cli.doctor.finding import Finding
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_kubernetes.cluster import Cluster, ClusterError
from floe_kubernetes.pod import MANAGED_BY_FLOE, PRODUCT_LABEL, label_value
from floe_kubernetes.run_image import read_template

SUBJECT = "step pods"
FIX = "see docs/steps.md, section Images, for what the build needs"
PATIENCE_SECONDS = 10.0


def check_step_pods(artifacts: CompiledArtifacts) -> list[Finding]:
    """Return the state of the cluster for a product's steps; nothing without steps with images."""
    if not any(step.image for step in artifacts.steps):
        return []
    try:
        cluster = Cluster.of_template(read_template())
    except EnvironmentProblemError as error:
        return [Finding(SUBJECT, "problem", str(error), FIX)]
    labels = {**MANAGED_BY_FLOE, PRODUCT_LABEL: label_value(artifacts.product.name)}
    try:
        names = cluster.list_names(labels, PATIENCE_SECONDS)
    except ClusterError as error:
        what = f"pods in the namespace {cluster.namespace}: {error}"
        return [Finding(SUBJECT, "problem", what, FIX)]
    if names:
        what = f"there are pods of steps in {cluster.namespace}: {', '.join(names)}"
        fix = f"if no run is on: kubectl delete pod -n {cluster.namespace} {' '.join(names)}"
        return [Finding(SUBJECT, "warning", what, fix)]
    return [Finding(SUBJECT, "ok", f"the namespace {cluster.namespace} answers; no pod is left")]
