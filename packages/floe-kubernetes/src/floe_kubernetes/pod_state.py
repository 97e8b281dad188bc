"""Read the state of a step's container from its pod."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from floe_kubernetes.pod import container_of_step

# Waiting does not help: the pod itself is at fault.
_HOPELESS = frozenset(
    {"InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError", "CreateContainerError"}
)


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
