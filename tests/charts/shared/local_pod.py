"""Run what a chart renders as processes of this machine: the pods' own commands, in their own
environment and nothing of ours, with their files, at their paths as far as those can be had.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
from pods import Object, Pod

# The machine's own: not replaced where a pod mounts a volume of its own there.
_KEPT = "/tmp"


@dataclass(frozen=True)
class Cluster:
    """What is around the pods: the rendered objects, the Secrets, and the image's folders.

    `image` maps a folder of the image to one here, `bin` is where its programs are. `claims` keeps
    the volumes that outlive a pod.
    """

    folder: Path
    objects: list[Object]
    secrets: Mapping[str, Mapping[str, str]]
    image: Mapping[str, Path]
    bin: Path

    def config_map(self, name: str) -> Mapping[str, str]:
        """Return what a rendered ConfigMap holds."""
        [found] = [
            each for each in self.objects
            if each["kind"] == "ConfigMap" and each["metadata"]["name"] == name
        ]  # fmt: skip
        return dict(found["data"])

    @cached_property
    def services(self) -> list[str]:
        """Names that a cluster's DNS would know; here they are this machine."""
        return [each["metadata"]["name"] for each in self.objects if each["kind"] == "Service"]

    def pod(self, pod: Pod, name: str) -> LocalPod:
        """Return a pod under a name of its own, its volumes made."""
        local = LocalPod(self, pod, name)
        local.make_volumes()
        return local


@dataclass
class LocalPod:
    """One pod. Its containers are processes that see its volumes at paths below its folder."""

    cluster: Cluster
    pod: Pod
    name: str
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def folder(self) -> Path:
        """Where its volumes and its output are."""
        return self.cluster.folder / self.name

    @property
    def output(self) -> str:
        """What its containers have printed."""
        return "".join(
            path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log"))
        )

    def container(self, name: str) -> Object:
        """Return one of its containers, those of its start included."""
        [found] = [each for each in self.pod.containers if each["name"] == name]
        return found

    def make_volumes(self) -> None:
        """Make each volume as the kubelet would."""
        for volume in self.pod.spec["volumes"]:
            place = self._place(volume)
            place.mkdir(parents=True, exist_ok=True)
            for name, text in self._files(volume).items():
                (place / name).write_text(text)
        for container in self.pod.containers:
            for mount in container.get("volumeMounts", []):
                if "subPath" in mount:
                    target = Path(self.here(mount["mountPath"], container))
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_text((self._places[mount["name"]] / mount["subPath"]).read_text())

    def here(self, text: str, container: Object) -> str:
        """Return a text of the container with its paths, and names of Services, as they are here."""
        mounts = {
            mount["mountPath"]: self._places[mount["name"]]
            for mount in container.get("volumeMounts", [])
            if mount["mountPath"] != _KEPT and "subPath" not in mount
        }
        places = {**self.cluster.image, **mounts}
        for path in sorted(places, key=len, reverse=True):
            text = re.sub(rf"(?<![\w.-]){re.escape(path)}(?![\w.-])", f"\0{path[1:]}\0", text)
        for path, place in places.items():
            text = text.replace(f"\0{path[1:]}\0", str(place))
        for service in self.cluster.services:
            text = re.sub(rf"(?<![\w.-]){re.escape(service)}(?![\w-])", "127.0.0.1", text)
        return text

    def environment(self, container: Object) -> dict[str, str]:
        """Return the container's whole environment."""
        given: dict[str, str] = {}
        for source in container.get("envFrom", []):
            if "configMapRef" in source:
                given.update(self.cluster.config_map(source["configMapRef"]["name"]))
            else:
                given.update(self.cluster.secrets[source["secretRef"]["name"]])
        for variable in container.get("env", []):
            given[variable["name"]] = self._value(variable, given)
        path = {"PATH": f"{self.cluster.bin}:/usr/bin:/bin", "HOSTNAME": self.name}
        return {**path, **{name: self.here(value, container) for name, value in given.items()}}

    def command(self, container: Object) -> list[str]:
        """Return what the container runs; the image has no entry point."""
        environment = self.environment(container)
        words = [*container.get("command", []), *container.get("args", [])]
        return [_expanded(self.here(word, container), environment) for word in words]

    def run(self, name: str, seconds: float) -> int:
        """Run a container to its end, and return how it ended."""
        process = self.process = self._started(self.container(name))
        try:
            return process.wait(seconds)
        finally:
            _end(process, 0)

    def start(self) -> None:
        """Start the pod's own container."""
        [container] = self.pod.spec["containers"]
        self.process = self._started(container)

    def probe(self, kind: str) -> str:
        """Ask a probe as it is written; return why it failed, "" if it did not."""
        [container] = self.pod.spec["containers"]
        probe = container[kind]
        seconds = probe["timeoutSeconds"]
        return (
            self._get(container, probe["httpGet"], seconds)
            if "httpGet" in probe
            else self._execute(container, probe["exec"]["command"], seconds)
        )

    def wait_until_started(self) -> None:
        """Ask the startup probe as often as is written, and fail as the kubelet would."""
        [container] = self.pod.spec["containers"]
        probe = container["startupProbe"]
        problem = ""
        for _ in range(probe["failureThreshold"]):
            assert self.process is not None
            assert self.process.poll() is None, f"{self.name} ended:\n{self.output[-4000:]}"
            if not (problem := self.probe("startupProbe")):
                return
            time.sleep(probe["periodSeconds"])
        raise AssertionError(f"{self.name} did not start: {problem}\n{self.output[-4000:]}")

    def stop(self) -> int:
        """Ask it to end, as the kubelet does; return how it ended."""
        assert self.process is not None
        return _end(self.process, self.pod.spec.get("terminationGracePeriodSeconds", 30))

    def _started(self, container: Object) -> subprocess.Popen[bytes]:
        with (self.folder / f"{container['name']}.log").open("ab") as output:
            return subprocess.Popen(
                self.command(container),
                env=self.environment(container),
                cwd=self._places["home"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _get(self, container: Object, get: Object, seconds: float) -> str:
        ports = {each["name"]: each["containerPort"] for each in container["ports"]}
        url = f"http://127.0.0.1:{ports.get(get['port'], get['port'])}{get['path']}"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(url, timeout=seconds):
                return ""
        except (OSError, urllib.error.HTTPError) as error:
            return f"{url}: {error}"

    def _execute(self, container: Object, command: list[str], seconds: float) -> str:
        try:
            done = subprocess.run(
                command,
                env=self.environment(container),
                cwd=self._places["home"],
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"{command[0]} took more than {seconds} s"
        return "" if done.returncode == 0 else (done.stderr or done.stdout or "no reason")

    @cached_property
    def _places(self) -> dict[str, Path]:
        return {volume["name"]: self._place(volume) for volume in self.pod.spec["volumes"]}

    def _place(self, volume: Object) -> Path:
        claim = volume.get("persistentVolumeClaim")
        return (
            self.cluster.folder / "claims" / claim["claimName"]
            if claim
            else self.folder / "volumes" / volume["name"]
        )

    def _files(self, volume: Object) -> Mapping[str, str]:
        if "configMap" in volume:
            return self.cluster.config_map(volume["configMap"]["name"])
        if "secret" in volume:
            secret = self.cluster.secrets[volume["secret"]["secretName"]]
            return {item["path"]: secret[item["key"]] for item in volume["secret"]["items"]}
        return {}

    def _value(self, variable: Object, before: Mapping[str, str]) -> str:
        if "value" in variable:
            return _expanded(variable["value"], before)
        source: Any = variable["valueFrom"]
        if "fieldRef" in source:
            assert source["fieldRef"]["fieldPath"] == "metadata.name"
            return self.name
        reference = source["secretKeyRef"]
        return self.cluster.secrets[reference["name"]][reference["key"]]


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    """Replace `$(NAME)` as Kubernetes does; what it does not know stays."""
    return re.sub(r"\$\((\w+)\)", lambda found: variables.get(found[1], found[0]), text)


def _end(process: subprocess.Popen[bytes], patience: float) -> int:
    """End a process and all below it; return how it ended."""
    family = list(_below(process.pid))
    if process.poll() is None and patience:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
    for each in family:
        if each.is_running():
            each.kill()
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def _below(pid: int) -> Iterator[psutil.Process]:
    try:
        yield from psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return
