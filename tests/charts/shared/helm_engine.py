"""Render a chart with real Helm, offline."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import strict_yaml

ROOT = Path(__file__).parents[3]
ENGINES = ("4.1", "3.17")
KUBERNETES = ("1.28.0", "1.32.0", "1.35.0")
RELEASE, NAMESPACE = "floe", "data"
# Nothing is reached through these; a chart that tries to fetch anything fails.
_NO_NETWORK = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
# Helm is over before it would have to collect garbage; doing so takes half of its time.
_NO_COLLECTING = {"GOGC": "off", "GOMEMLIMIT": "1GiB"}
Object = dict[str, Any]
Values = Path | Mapping[str, Any]
_RENDERED: dict[str, list[Object]] = {}


class HelmRefusedError(AssertionError):
    """Helm ended with an error; its text is this one's."""


@dataclass(frozen=True)
class Target:
    """An engine, and the version of Kubernetes that it renders for."""

    engine: str = ENGINES[0]
    kubernetes: str = KUBERNETES[1]
    is_upgrade: bool = False


def engine(line: str = ENGINES[0]) -> Path:
    """Return the binary of one line of Helm, or skip the test with why it is not here."""
    place = ROOT / ".helm" / line / "helm"
    if not place.exists():
        told = ROOT / ".helm" / "REASON"
        pytest.skip(f"no Helm {line}: {told.read_text() if told.exists() else 'run make helm'}")
    return place


def rendered_text(
    chart: Path, *values: Values, target: Target | None = None, release: str = RELEASE
) -> str:
    """Return what `helm template` prints for these values, later ones over earlier ones."""
    target = target or Target()
    command = ["template", release, str(chart), "--namespace", NAMESPACE]
    command += ["--kube-version", target.kubernetes]
    command += ["--is-upgrade"] if target.is_upgrade else []
    return _helm(target.engine, command, values)


def render(chart: Path, *values: Values, target: Target | None = None) -> list[Object]:
    """Return the objects that a chart makes of these values, made once; who changes them copies."""
    key = json.dumps([str(chart), [_told(each) for each in values], str(target)], sort_keys=True)
    if key not in _RENDERED:
        _RENDERED[key] = strict_yaml.documents(rendered_text(chart, *values, target=target))
    return list(_RENDERED[key])


def _told(values: Values) -> Any:
    return values.read_text() if isinstance(values, Path) else dict(values)


def lint(chart: Path, *values: Values, target: Target) -> str:
    """Return what `helm lint --strict` says, or raise it."""
    command = ["lint", "--strict", str(chart), "--kube-version", target.kubernetes]
    return _helm(target.engine, command, values)


def notes(chart: Path, *values: Values) -> str:
    """Return what is told to who installs a chart; only Helm 4 tells it without a cluster."""
    command = ["install", RELEASE, str(chart), "--namespace", NAMESPACE, "--dry-run=client"]
    return _helm("4.1", command, values).partition("NOTES:\n")[2]


def _helm(line: str, command: Sequence[str], values: Sequence[Values]) -> str:
    with tempfile.TemporaryDirectory(prefix="floe-helm-") as home:
        files = [_file(each, Path(home, f"values-{n}.yaml")) for n, each in enumerate(values)]
        environment = {**_NO_NETWORK, **_NO_COLLECTING, "HOME": home, "PATH": "/usr/bin:/bin"}
        done = subprocess.run(
            [engine(line), *command, *(f"--values={file}" for file in files)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise HelmRefusedError(done.stderr + done.stdout)
    return done.stdout


def _file(values: Values, place: Path) -> Path:
    if isinstance(values, Path):
        return values
    # JSON is YAML, and Helm reads it the faster.
    place.write_text(json.dumps(dict(values)))
    return place
