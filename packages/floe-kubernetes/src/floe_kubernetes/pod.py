"""The pod of a step, and what its state says."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import uuid4

from floe_core.execution.steps.call import FACTS_VARIABLE, ImageOrder

# Waiting does not help: the pod itself is at fault.
_HOPELESS = frozenset(
    {"InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError", "CreateContainerError"}
)

Pod = dict[str, Any]
CONTAINER = "step"
MANAGED_BY_FLOE = {"app.kubernetes.io/managed-by": "floe"}
PRODUCT_LABEL = "floe.dev/product"
# The file from which Kubernetes reads a container's final message, at most 4,096 bytes.
TERMINATION_LOG = "/dev/termination-log"
LONGEST_NAME = 63
# The step's own timeout comes first; this limit applies if no process is left to enforce it. A step
# without a timeout has a day, unless the template says otherwise.
SLACK_SECONDS = 60
LONGEST_SECONDS = 86_400
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")


def labels_of(order: ImageOrder) -> dict[str, str]:
    """Return the labels that all pods of a step in a run and its retries share."""
    return {
        **MANAGED_BY_FLOE,
        PRODUCT_LABEL: label_value(order.product),
        "floe.dev/step": label_value(order.step),
        "floe.dev/run": sha256(order.root_run_id.encode()).hexdigest()[:16],
    }


def label_value(name: str) -> str:
    """Return a name as the value of a Kubernetes label, which ends with a letter or a digit.

    >>> label_value("shop"), label_value("shop-")
    ('shop', 'shop-3f992105')
    """
    if _LABEL_VALUE.fullmatch(name):
        return name
    kept = re.sub(r"[^A-Za-z0-9_.-]", "-", name).strip("-_.")[: LONGEST_NAME - 9]
    return f"{kept}-{sha256(name.encode()).hexdigest()[:8]}"


def name_pod(order: ImageOrder) -> str:
    """Return a unique name for the pod: `floe-PRODUCT-STEP-` and eight digits."""
    named = re.sub(r"[^a-z0-9]+", "-", f"floe-{order.product}-{order.step}".lower())
    return f"{named[: LONGEST_NAME - 9].strip('-')}-{uuid4().hex[:8]}"


def is_pod(template: Any) -> bool:
    """Return whether a file's content has the structure of a pod, in the parts used here."""
    if not isinstance(template, dict) or template.get("kind", "Pod") != "Pod":
        return False
    parts = [template.get(key, {}) for key in ("metadata", "spec")]
    if not all(isinstance(part, dict) for part in parts):
        return False
    containers = parts[1].get("containers", [])
    return isinstance(containers, list) and all(isinstance(each, dict) for each in containers)


def make_pod(order: ImageOrder, name: str, template: Pod, owner: Mapping[str, Any] | None) -> Pod:
    """Return the pod of a step: the template, with the step's settings in place of its own.

    The step's container is the one named `step` in the template, else the first. `owner` is the pod
    that the build runs in: the step's pod is deleted with it.
    """
    pod = deepcopy(template) or {"spec": {"automountServiceAccountToken": False}}
    spec, metadata = pod.setdefault("spec", {}), pod.setdefault("metadata", {})
    pod.update(apiVersion="v1", kind="Pod")
    metadata["name"] = name
    metadata["labels"] = {**metadata.get("labels", {}), **labels_of(order)}
    metadata["annotations"] = {
        **metadata.get("annotations", {}),
        "floe.dev/run-id": order.run_id,
        "floe.dev/attempt": str(order.attempt),
    }
    if owner is not None:
        metadata["ownerReferences"] = [dict(owner)]
    spec["restartPolicy"] = "Never"
    spec.setdefault("activeDeadlineSeconds", LONGEST_SECONDS)
    if order.timeout_seconds:
        spec["activeDeadlineSeconds"] = order.timeout_seconds + SLACK_SECONDS
    _fill(container_of_step(spec), order)
    return pod


def container_of_step(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the step's container in a pod; it is added if there is none."""
    containers: list[dict[str, Any]] = spec.setdefault("containers", [])
    if not containers:
        containers.append({"name": CONTAINER})
    return next((each for each in containers if each.get("name") == CONTAINER), containers[0])


def _fill(container: dict[str, Any], order: ImageOrder) -> None:
    container.setdefault("name", CONTAINER)
    container["image"] = order.image
    if order.command:
        container["command"] = list(order.command)
        container.pop("args", None)
    facts = container.setdefault("terminationMessagePath", TERMINATION_LOG)
    own = {name: os.environ.get(name, "") for name in order.variables} | {FACTS_VARIABLE: facts}
    others = [each for each in container.get("env", ()) if each.get("name") not in own]
    container["env"] = [*others, *({"name": name, "value": own[name]} for name in sorted(own))]


@dataclass(frozen=True, slots=True)
class PodState:
    """The state of a step's container. `reason` says why it waits, or how it ended.

    `exit_code` is None until the end. `facts` is what the container wrote to its termination log.
    """

    has_started: bool
    exit_code: int | None = None
    reason: str = ""
    facts: str = ""
    is_hopeless: bool = False


def read_state(pod: dict[str, Any]) -> PodState:
    """Return the state of the step's container in a pod, given as the Kubernetes API returns it."""
    status = pod.get("status", {})
    name = container_of_step(pod["spec"])["name"]
    found = [each for each in status.get("containerStatuses", ()) if each.get("name") == name]
    state = found[0].get("state", {}) if found else {}
    if ended := state.get("terminated"):
        reason = ": ".join(t for t in (ended.get("reason"), status.get("message")) if t)
        return PodState(True, ended["exitCode"], reason, ended.get("message", ""))
    if status.get("phase") in ("Failed", "Succeeded"):
        # Evicted, past its deadline, or its node is gone: there is no container to read.
        return PodState("running" in state, 1, _texts(status) or status["phase"])
    if "running" in state:
        return PodState(has_started=True)
    waiting = state.get("waiting", {})
    return PodState(
        has_started=False,
        reason=_texts(waiting) or _unschedulable(status),
        is_hopeless=waiting.get("reason") in _HOPELESS,
    )


def _unschedulable(status: dict[str, Any]) -> str:
    conditions = {each.get("type"): each for each in status.get("conditions", ())}
    scheduled = conditions.get("PodScheduled", {})
    return _texts(scheduled) if scheduled.get("status") == "False" else ""


def _texts(found: dict[str, Any]) -> str:
    return ": ".join(text for text in (found.get("reason"), found.get("message")) if text)
