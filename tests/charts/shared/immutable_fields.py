"""What Kubernetes refuses to change of an object that is there: an upgrade that tries so fails."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pods import Object, named

_MUTABLE_OF_STATEFULSET = {
    "minReadySeconds", "ordinals", "persistentVolumeClaimRetentionPolicy", "replicas",
    "revisionHistoryLimit", "template", "updateStrategy",
}  # fmt: skip
_WITH_DATA = ("StatefulSet/", "PersistentVolumeClaim/")
_MUTABLE_OF_JOB = {"parallelism", "suspend", "activeDeadlineSeconds", "backoffLimit"}


def immutable_fields(objects: Iterable[Object]) -> dict[str, Any]:
    """Return kind and name -> the fields that must stay as they are.

    Objects of a hook that are deleted before they are made anew may change in all.
    """
    found = {named(thing): _of(thing) for thing in objects if not _is_made_anew(thing)}
    return {name: fields for name, fields in sorted(found.items()) if fields}


def changed(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return the objects whose immutable fields differ, and those whose data would be lost."""
    kept = [name for name in old if name in new or name.startswith(_WITH_DATA)]
    return [name for name in kept if old[name] != new.get(name)]


def _of(thing: Object) -> dict[str, Any]:
    kind, spec = thing["kind"], thing.get("spec", {})
    if kind in ("Deployment", "DaemonSet"):
        return {"selector": spec["selector"]}
    if kind == "StatefulSet":
        return {key: value for key, value in spec.items() if key not in _MUTABLE_OF_STATEFULSET}
    if kind == "Job":
        return {key: value for key, value in spec.items() if key not in _MUTABLE_OF_JOB}
    if kind == "Service":
        return {key: spec[key] for key in ("clusterIP",) if key in spec}
    if kind == "PersistentVolumeClaim":
        return {key: value for key, value in spec.items() if key != "resources"}
    if kind in ("RoleBinding", "ClusterRoleBinding"):
        return {"roleRef": thing["roleRef"]}
    return {"data": thing.get("data")} if thing.get("immutable") else {}


def _is_made_anew(thing: Object) -> bool:
    notes = thing["metadata"].get("annotations", {})
    policy = notes.get("helm.sh/hook-delete-policy", "before-hook-creation")
    return "helm.sh/hook" in notes and "before-hook-creation" in policy
