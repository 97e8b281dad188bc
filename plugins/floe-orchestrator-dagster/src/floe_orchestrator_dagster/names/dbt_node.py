"""The node that `translate` receives, with all that dbt's manifest says of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import PrivateAttr

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node

Manifest = Mapping[str, Any]
# Where dbt's manifest v12 keeps what can be a node of floe.
_COLLECTIONS = ("nodes", "sources", "unit_tests", "functions", "exposures")


class DbtNode(Node):
    """A node of floe with its entry in `target/manifest.json`, which is read when first used."""

    _artifacts: CompiledArtifacts = PrivateAttr()

    @classmethod
    def of(cls, node: Node, artifacts: CompiledArtifacts) -> DbtNode:
        """Return a node that knows its manifest."""
        made = cls.model_construct(**dict(node))
        made._artifacts = artifacts
        return made

    @property
    def properties(self) -> Mapping[str, Any]:
        """The node's entry in dbt's manifest, which dagster-dbt passes to a translator.

        Empty for a step of floe.yaml, and for the test of a source's freshness.
        """
        manifest = manifest_of(self._artifacts)
        found = (manifest.get(name, {}).get(self.unique_id) for name in _COLLECTIONS)
        entry: Mapping[str, Any] = next((each for each in found if each), {})
        return entry

    @property
    def raw_code(self) -> str:
        """Its code before Jinja is rendered, "" for a node without code."""
        return str(self.properties.get("raw_code") or "")

    @property
    def config(self) -> Mapping[str, Any]:
        """Its configuration, after dbt_project.yml, properties files and `config()` are merged."""
        return self.properties.get("config") or {}

    @property
    def original_file_path(self) -> str:
        """The file that defines it, relative to its dbt project."""
        return str(self.properties.get("original_file_path") or self.path)


def manifest_of(artifacts: CompiledArtifacts) -> Manifest:
    """Return the product's dbt manifest, the same object each time: translators cache by it."""
    path = artifacts.folder / "target" / "manifest.json"
    return _read(path, artifacts.dbt_manifest_sha256)


@lru_cache(maxsize=16)
def _read(path: Path, _digest: str) -> Manifest:
    manifest: Manifest = json.loads(path.read_bytes())
    return manifest
