"""Run a rendered pod here: its command, environment, files, and nothing else that can be written.

Each pod gets a mount namespace of its own: a root file system that is read-only, its volumes where
they are mounted, the names of Services in /etc/hosts, and no capabilities. What is missing of a
real pod: the image (this checkout's environment stands for it), its user (root without
capabilities), the limits of resources, and the network's policies.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from helm_engine import ROOT
from pods import Object, Pod

_TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
_ISOLATE = ["unshare", "--mount", "--propagation", "private"]
_WITHOUT_POWERS = ["setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]


@dataclass(frozen=True)
class Surroundings:
    """What a cluster gives its pods.

    `folder` is where volumes are kept, `secrets` maps a Secret's name to its keys, `image` maps
    folders in the image to folders here, `services` are names that resolve to this machine.
    `token_of` maps a ServiceAccount to its token, for pods that get one.
    """

    folder: Path
    objects: list[Object]
    secrets: Mapping[str, Mapping[str, str]]
    image: Mapping[str, Path]
    services: Iterable[str]
    own_env: Mapping[str, str] = field(default_factory=dict)
    token_of: Mapping[str, str] = field(default_factory=dict)
    certificate: Path | None = None


def need_namespaces() -> None:
    """Skip the test where this machine lets nobody make a mount namespace."""
    for tool in ("unshare", "setpriv", "nsenter"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool} here, so no pod can be run as it is rendered")
    done = subprocess.run([*_ISOLATE, "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no mount namespace can be made here: {done.stderr.strip()}")


class PodProcess:
    """One container of a pod as a process. The log is in `log`."""

    def __init__(self, pod: Pod, container: Object, around: Surroundings, name: str) -> None:
        self.name = name
        self.container = container
        self._pod = pod
        self._around = around
        self._folder = around.folder / name
        self._folder.mkdir(parents=True, exist_ok=True)
        self.log = self._folder / f"{container['name']}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        script = self._folder / f"{self.container['name']}.sh"
        script.write_text(self._script())
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*_ISOLATE, "sh", "-e", str(script)],
                env=self.environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def exit_code(self) -> int | None:
        """Return how it ended; None while it runs."""
        assert self._process is not None
        return self._process.poll()

    def wait(self, seconds: float) -> int:
        """Return how it ended, within some seconds."""
        assert self._process is not None
        return self._process.wait(seconds)

    def stop(self, how: int = signal.SIGTERM, seconds: float = 20) -> None:
        """End it as Kubernetes does: a signal, and after the grace period the end of all of it."""
        if self._process is None:
            return
        family = self.family()
        if self.exit_code() is None:
            self._process.send_signal(how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        # A container takes all of its processes with it, also those with a session of their own.
        for each in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        self._process.wait(10)

    def volume(self, name: str) -> Path:
        """Return where a volume of its pod is kept."""
        return self._folder / "volumes" / name

    def family(self) -> list[psutil.Process]:
        """Return its process and all below it, as far as they run."""
        if self._process is None:
            return []
        try:
            root = psutil.Process(self._process.pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def execute(self, command: list[str], seconds: float) -> subprocess.CompletedProcess[str]:
        """Run a command inside, as an exec probe does."""
        assert self._process is not None
        inside = ["nsenter", f"--mount=/proc/{self._process.pid}/ns/mnt", "--", *command]
        return subprocess.run(
            inside,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def environment(self) -> dict[str, str]:
        """Return the environment of the container: the image's, the cluster's, and its own."""
        found = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": "/tmp"}
        found.update(self._around.own_env)
        for source in self.container.get("envFrom", []):
            found.update(self._all_of(source))
        for variable in self.container.get("env", []):
            found[variable["name"]] = _expanded(self._value(variable), found)
        return found

    def command(self) -> list[str]:
        """Return what the container runs; the images have no entry point."""
        words = [*self.container.get("command", []), *self.container.get("args", [])]
        environment = self.environment()
        return [_expanded(word, environment) for word in words]

    def _all_of(self, source: Object) -> Mapping[str, str]:
        if "secretRef" in source:
            return self._around.secrets[source["secretRef"]["name"]]
        return self._config_map(source["configMapRef"]["name"])

    def _value(self, variable: Object) -> str:
        source = variable.get("valueFrom")
        if source is None:
            return str(variable.get("value", ""))
        if "fieldRef" in source:
            assert source["fieldRef"]["fieldPath"] == "metadata.name"
            return self.name
        if "secretKeyRef" in source:
            secret = self._around.secrets[source["secretKeyRef"]["name"]]
            return secret[source["secretKeyRef"]["key"]]
        reference = source["configMapKeyRef"]
        return self._config_map(reference["name"])[reference["key"]]

    def _config_map(self, name: str) -> Mapping[str, str]:
        [found] = [
            thing["data"]
            for thing in self._around.objects
            if thing["kind"] == "ConfigMap" and thing["metadata"]["name"] == name
        ]
        return found

    def _script(self) -> str:
        """Return the shell script that makes the pod's file system and becomes its process."""
        lines = ["mount -t tmpfs tmpfs /opt", "mount -t tmpfs tmpfs /run", "mkdir /opt/.kept"]
        lines += [f"mount --bind {shlex.quote(str(ROOT))} /opt/.kept"]
        mounts = sorted(self.container.get("volumeMounts", []), key=lambda m: m["mountPath"])
        bound = [(self._source(mount), mount["mountPath"], mount) for mount in mounts]
        for place, folder in self._around.image.items():
            lines += _bind(folder, place, is_read_only=True)
        lines += [f"mount --bind {shlex.quote(str(self._hosts()))} /etc/hosts"]
        lines += self._token()
        # What is mounted at /tmp hides the sources of all others, so it comes last.
        for source, place, mount in sorted(bound, key=lambda each: each[1] == "/tmp"):
            lines += _bind(source, place, is_read_only=mount.get("readOnly", False))
        kept = shlex.quote(str(ROOT))
        python = shlex.quote(sys.executable)
        lines += [f"[ -e {python} ] || {{ mkdir -p {kept}; mount --bind /opt/.kept {kept}; }}"]
        lines += ["mount -o remount,bind,ro /opt", "mount -o remount,bind,ro /run"]
        lines += ["mount -o remount,bind,ro /", "cd /"]
        lines += [f"exec {shlex.join([*_WITHOUT_POWERS, *self.command()])}"]
        return "\n".join(lines) + "\n"

    def _source(self, mount: Object) -> Path:
        [volume] = [each for each in self._pod.spec["volumes"] if each["name"] == mount["name"]]
        claim = volume.get("persistentVolumeClaim")
        folder = self.volume(mount["name"])
        if claim:
            folder = self._around.folder / "claims" / claim["claimName"]
        folder.mkdir(parents=True, exist_ok=True)
        for key, text in self._files(volume).items():
            (folder / key).write_text(text)
        return folder / mount["subPath"] if "subPath" in mount else folder

    def _files(self, volume: Object) -> Mapping[str, str]:
        if "configMap" in volume:
            return self._config_map(volume["configMap"]["name"])
        if "secret" in volume:
            secret = self._around.secrets[volume["secret"]["secretName"]]
            return {item["path"]: secret[item["key"]] for item in volume["secret"]["items"]}
        return {}

    def _hosts(self) -> Path:
        place = self._folder / "hosts"
        place.write_text(f"127.0.0.1 localhost {' '.join(self._around.services)}\n")
        return place

    def _token(self) -> list[str]:
        if not self._pod.spec.get("automountServiceAccountToken", True):
            return []
        folder = self._folder / "token"
        folder.mkdir(exist_ok=True)
        token = self._around.token_of[self._pod.spec["serviceAccountName"]]
        (folder / "token").write_text(token)
        (folder / "namespace").write_text("data")
        if self._around.certificate:
            shutil.copy(self._around.certificate, folder / "ca.crt")
        return _bind(folder, _TOKEN_FOLDER, is_read_only=True)


def _bind(source: Path, place: str, is_read_only: bool) -> list[str]:
    """Return the commands that show a file or folder at a place, made where it is missing."""
    here, there = shlex.quote(str(source)), shlex.quote(place)
    make = f"mkdir -p {there}"
    if source.is_file():
        make = f"mkdir -p {shlex.quote(str(Path(place).parent))}; [ -e {there} ] || : > {there}"
    lines = [make, f"mount --bind {here} {there}"]
    return [*lines, f"mount -o remount,bind,ro {there}"] if is_read_only else lines


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    """Return a text with `$(NAME)` replaced as Kubernetes does; what it does not know stays."""
    return re.sub(r"\$\((\w+)\)", lambda found: variables.get(found[1], found[0]), text)


def shown(value: Any) -> str:
    """Return a value for an assertion's text."""
    return json.dumps(value, indent=2, default=str)
