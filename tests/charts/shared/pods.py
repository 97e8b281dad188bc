"""Every pod that rendered objects start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
_TEMPLATED = {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"}


@dataclass(frozen=True)
class Pod:
    """A pod's labels and spec, and the object that starts it, such as `Deployment/floe-daemon`."""

    owner: str
    labels: dict[str, str]
    spec: Object

    @property
    def containers(self) -> list[Object]:
        """Its containers, those of its start included."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    @property
    def component(self) -> str:
        """The component that its labels name."""
        return self.labels.get("app.kubernetes.io/component", "")


def named(thing: Object) -> str:
    """Return an object's kind and name."""
    return f"{thing['kind']}/{thing['metadata']['name']}"


def pods(objects: Iterable[Object]) -> Iterator[Pod]:
    """Yield the pods that the objects' own templates describe."""
    for thing in objects:
        if thing["kind"] in _TEMPLATED:
            yield _pod(thing, thing["spec"]["template"])
        elif thing["kind"] == "CronJob":
            yield _pod(thing, thing["spec"]["jobTemplate"]["spec"]["template"])
        elif thing["kind"] == "Pod":
            yield _pod(thing, thing)


def _pod(owner: Object, template: Object) -> Pod:
    labels = template.get("metadata", {}).get("labels", {})
    spec = template["spec"]
    # The cluster adds these volumes itself, a claim for each pod.
    claimed = [each["metadata"]["name"] for each in owner["spec"].get("volumeClaimTemplates", [])]
    if claimed:
        own = [{"name": name, "ephemeral": {}} for name in claimed]
        spec = {**spec, "volumes": [*spec.get("volumes", []), *own]}
    return Pod(named(owner), labels, spec)
