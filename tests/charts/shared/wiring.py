"""Does every reference between rendered objects lead to something?"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pods import Object, Pod, named


@dataclass(frozen=True)
class Wiring:
    """The rendered objects, the pods they start and those launched later.

    `given` are the objects that must be in the cluster before, such as `Secret/floe-postgres`.
    """

    objects: list[Object]
    pods: list[Pod]
    given: frozenset[str] = frozenset()

    def findings(self) -> list[str]:
        """Return every reference that leads nowhere, and every object that nothing leads to."""
        found = [*self._names(), *self._workloads(), *self._services(), *self._access()]
        found += [*self._addresses(), *self._unused()]
        for pod in self.pods:
            found += [f"{pod.owner}: {text}" for text in self._of_pod(pod)]
        return found

    def _of(self, *kinds: str) -> list[Object]:
        return [thing for thing in self.objects if thing["kind"] in kinds]

    def _has(self, kind: str, name: str) -> bool:
        names = {named(thing) for thing in self.objects}
        return f"{kind}/{name}" in names | self.given

    def _selected(self, selector: Object) -> list[Pod]:
        labels = selector.get("matchLabels", {}) if "matchLabels" in selector else selector
        return [pod for pod in self.pods if labels.items() <= pod.labels.items()]

    def _names(self) -> Iterator[str]:
        counted = Counter(map(named, self.objects))
        yield from (f"{name} stands there {n} times" for name, n in counted.items() if n > 1)

    def _workloads(self) -> Iterator[str]:
        for thing in self._of("Deployment", "StatefulSet"):
            chosen = {pod.owner for pod in self._selected(thing["spec"]["selector"])}
            if chosen != {named(thing)}:
                yield f"{named(thing)} selects the pods of {sorted(chosen)}"
        for thing in self._of("PodDisruptionBudget", "NetworkPolicy"):
            selector = thing["spec"].get("selector") or thing["spec"].get("podSelector") or {}
            if not self._selected(selector):
                yield f"{named(thing)} selects no pod"
        for thing in self._of("HorizontalPodAutoscaler", "ScaledObject"):
            target = thing["spec"]["scaleTargetRef"]
            if not self._has(target["kind"], target["name"]):
                yield f"{named(thing)} scales nothing"
        for thing in self._of("TriggerAuthentication"):
            for source in thing["spec"]["secretTargetRef"]:
                if not self._has("Secret", source["name"]):
                    yield f"there is no Secret/{source['name']}, which {named(thing)} reads"
        for thing in self._of("ScaledObject"):
            for trigger in thing["spec"]["triggers"]:
                if not self._has("TriggerAuthentication", trigger["authenticationRef"]["name"]):
                    yield f"{named(thing)} has no TriggerAuthentication"

    def _services(self) -> Iterator[str]:
        for service in self._of("Service"):
            if not (chosen := self._selected(service["spec"]["selector"])):
                yield f"{named(service)} selects no pod"
            for port in service["spec"]["ports"]:
                wanted = port.get("targetPort", port["port"])
                if not all(wanted in _ports(pod.spec["containers"]) for pod in chosen):
                    yield f"{named(service)}: its pods have no port {wanted}"
        for ingress in self._of("Ingress"):
            for rule in ingress["spec"]["rules"]:
                for path in rule["http"]["paths"]:
                    yield from self._backend(named(ingress), path["backend"]["service"])

        for route in self._of("HTTPRoute"):
            for rule in route["spec"]["rules"]:
                for backend in rule["backendRefs"]:
                    named_so = {"name": backend["name"], "port": {"number": backend["port"]}}
                    yield from self._backend(named(route), named_so)

    def _backend(self, owner: str, backend: Object) -> Iterator[str]:
        named_port = backend["port"].get("name", backend["port"].get("number"))
        if named_port not in self._service_ports(backend["name"]):
            yield f"{owner} leads to no port {named_port} of a Service {backend['name']}"

    def _service_ports(self, name: str) -> set[Any]:
        services = [each for each in self._of("Service") if each["metadata"]["name"] == name]
        ports = [port for service in services for port in service["spec"]["ports"]]
        return {port["port"] for port in ports} | {port.get("name") for port in ports}

    def _access(self) -> Iterator[str]:
        for binding in self._of("RoleBinding", "ClusterRoleBinding"):
            role = binding["roleRef"]
            if not self._has(role["kind"], role["name"]):
                yield f"{named(binding)} binds no role"
            for subject in binding["subjects"]:
                if not self._has(subject["kind"], subject["name"]):
                    yield f"{named(binding)} binds {subject['name']}, which is not there"

    def _addresses(self) -> Iterator[str]:
        """Find `service:port` in any text of any object, and ask whether the Service has it."""
        text = json.dumps(self.objects)
        for service in self._of("Service"):
            name = service["metadata"]["name"]
            for port in set(re.findall(rf"(?<![\w.-]){re.escape(name)}[\w.]*:(\d+)", text)):
                if int(port) not in self._service_ports(name):
                    yield f"something asks {name}:{port}, which the Service does not have"

    def _unused(self) -> Iterator[str]:
        used = {name for pod in self.pods for name in references(pod)}
        for thing in self._of("ConfigMap", "Secret", "ServiceAccount", "PersistentVolumeClaim"):
            if named(thing) not in used:
                yield f"nothing uses {named(thing)}"

    def _of_pod(self, pod: Pod) -> Iterator[str]:
        for reference in sorted(references(pod)):
            if not self._has(*reference.split("/")):
                yield f"there is no {reference}"
        yield from self._keys(pod)
        volumes = {volume["name"] for volume in pod.spec.get("volumes", [])}
        mounted = {each["name"] for c in pod.containers for each in c.get("volumeMounts", [])}
        if volumes != mounted:
            yield f"volumes {sorted(volumes)}, mounted {sorted(mounted)}"
        for container in pod.containers:
            yield from _of_container(container)

    def _keys(self, pod: Pod) -> Iterator[str]:
        maps = {each["metadata"]["name"]: each.get("data", {}) for each in self._of("ConfigMap")}
        for kind, name, key in _keys_read(pod):
            if kind == "ConfigMap" and key not in maps.get(name, {}):
                yield f"ConfigMap {name} has no key {key}"


def _of_container(container: Object) -> Iterator[str]:
    name, ports = container["name"], _ports([container])
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        for how in ("httpGet", "grpc", "tcpSocket"):
            wanted = container.get(kind, {}).get(how, {}).get("port")
            if wanted is not None and wanted not in ports:
                yield f"{name}: {kind} asks port {wanted}, which the container does not have"
    for what, key, of in (("env", "name", "variable"), ("volumeMounts", "mountPath", "mount")):
        counted = Counter(each[key] for each in container.get(what, []))
        yield from (f"{name}: {of} {each} twice" for each, n in counted.items() if n > 1)


def _ports(containers: Iterable[Object]) -> set[Any]:
    ports = [port for container in containers for port in container.get("ports", [])]
    return {port["containerPort"] for port in ports} | {port.get("name") for port in ports}


def references(pod: Pod) -> set[str]:
    """Return the objects that a pod needs, those it can do without left out."""
    found = {f"ServiceAccount/{pod.spec.get('serviceAccountName', 'default')}"}
    found |= {f"{kind}/{name}" for kind, name, _ in _keys_read(pod)}
    for volume in pod.spec.get("volumes", []):
        if claim := volume.get("persistentVolumeClaim"):
            found.add(f"PersistentVolumeClaim/{claim['claimName']}")
        for kind, source in _sources(volume):
            found.add(f"{kind}/{source.get('secretName') or source.get('name')}")
    for container in pod.containers:
        for source in container.get("envFrom", []):
            for kind, field in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
                if field in source:
                    found.add(f"{kind}/{source[field]['name']}")
    return found


def _sources(volume: Object) -> Iterator[tuple[str, Object]]:
    parts = [volume, *volume.get("projected", {}).get("sources", [])]
    for part in parts:
        if "configMap" in part:
            yield "ConfigMap", part["configMap"]
        if "secret" in part:
            yield "Secret", part["secret"]


def _keys_read(pod: Pod) -> Iterator[tuple[str, str, str]]:
    """Yield kind, name and key of what variables and mounted files are read from."""
    for container in pod.containers:
        for variable in container.get("env", []):
            source = variable.get("valueFrom", {})
            for kind, field in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
                if field in source and not source[field].get("optional"):
                    yield kind, source[field]["name"], source[field]["key"]
    mounts = [mount for c in pod.containers for mount in c.get("volumeMounts", [])]
    for volume in pod.spec.get("volumes", []):
        for kind, source in _sources(volume):
            keys = [item["key"] for item in source.get("items", [])]
            if "items" not in source:
                keys = [
                    m["subPath"] for m in mounts if m["name"] == volume["name"] and "subPath" in m
                ]
            yield from ((kind, source.get("secretName") or source["name"], key) for key in keys)
