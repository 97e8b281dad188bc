"""What keeps a pod from running where only restricted pods may, and what it lacks beside.

Kubernetes' Pod Security Standards, level restricted, plus: a root file system that is read-only,
requests, a memory limit, and no token where none is needed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from pods import Object, Pod

_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
    "projected", "secret",
}  # fmt: skip


def findings(pods: Iterable[Pod], launchers: Collection[str] = ()) -> list[str]:
    """Return every finding. `launchers` are the components that start pods and need a token."""
    return [f"{pod.owner}: {text}" for pod in pods for text in _of_pod(pod, launchers)]


def _of_pod(pod: Pod, launchers: Collection[str]) -> Iterator[str]:
    spec = pod.spec
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            yield f"{name} is on"
    for volume in spec.get("volumes", []):
        if kinds := set(volume) - {"name"} - _VOLUMES:
            yield f"volume {volume['name']} is of kind {', '.join(sorted(kinds))}"
    if not spec.get("serviceAccountName"):
        yield "runs as the namespace's default ServiceAccount"
    if bool(spec.get("automountServiceAccountToken", True)) != (pod.component in launchers):
        yield f"automountServiceAccountToken is {spec.get('automountServiceAccountToken')}"
    for container in pod.containers:
        yield from (f"{container['name']}: {text}" for text in _of_container(container, spec))


def _of_container(container: Object, spec: Object) -> Iterator[str]:
    own, of_pod = container.get("securityContext", {}), spec.get("securityContext", {})
    both = {**of_pod, **own}
    if both.get("runAsNonRoot") is not True:
        yield "may run as root"
    # Without one it is the cluster's or the image's choice, which runAsNonRoot holds to its word.
    if both.get("runAsUser", 1000) < 1000:
        yield f"runAsUser is {both['runAsUser']}"
    if both.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "no seccomp profile RuntimeDefault"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "may gain privileges"
    if own.get("privileged"):
        yield "is privileged"
    if own.get("capabilities") != {"drop": ["ALL"]}:
        yield "keeps capabilities"
    if own.get("readOnlyRootFilesystem") is not True:
        yield "may write to its root file system"
    if any("hostPort" in port for port in container.get("ports", [])):
        yield "takes a port of the node"
    yield from _of_resources(container.get("resources", {}))


def _of_resources(resources: Object) -> Iterator[str]:
    requests, limits = resources.get("requests", {}), resources.get("limits", {})
    yield from (f"no request of {name}" for name in ("cpu", "memory") if name not in requests)
    if "memory" not in limits:
        yield "no limit of memory"
