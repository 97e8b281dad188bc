"""The manifests that say how to reach further orchestrators."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import manifest_data
from floe_core.foundation.errors import UsageError
from floe_core.schemas.manifest_yaml import Manifest
from floe_core.schemas.reading import validate
from floe_core.user_yaml.source_map import read_document


def manifests_at(paths: Sequence[Path]) -> tuple[Manifest, ...]:
    """Return the manifests in these files.

    Raises:
        UsageError: There is no such file.
        InvalidProductError: One is no manifest.
    """
    return tuple(_manifest(path) for path in paths)


def _manifest(path: Path) -> Manifest:
    if not path.is_file():
        raise UsageError(f"--access {path}: there is no such file; name a manifest.yaml")
    document = read_document(path, str(path))
    return validate(document, Manifest, manifest_data(document, Findings(lambda notice: None)))
