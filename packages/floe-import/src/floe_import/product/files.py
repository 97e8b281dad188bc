"""The text of floe.yaml and manifest.yaml."""

from __future__ import annotations

from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from floe_core.schemas.floe_yaml import FloeSpec
from floe_core.schemas.manifest_yaml import Manifest


def floe_yaml_text(document: dict[str, Any]) -> str:
    """Return the text of floe.yaml. A document that floe would refuse is a bug, and raises."""
    FloeSpec.model_validate(document)
    return _dump(document)


def manifest_yaml_text(orchestrator: str, compute: dict[str, Any], target: str) -> str:
    """Return the text of manifest.yaml; `target` is its one environment, "" for none."""
    plugins: dict[str, Any] = {"orchestrator": {"type": orchestrator}}
    if compute:
        plugins["compute"] = compute
    document: dict[str, Any] = {
        "apiVersion": "floe.dev/v1",
        "kind": "Manifest",
        "metadata": {"name": "my-platform", "version": "0.1.0"},
        "plugins": plugins,
    }
    if target:
        document["environments"] = {target: {"target": target}}
    Manifest.model_validate(document)
    return _dump(document)


def _dump(document: dict[str, Any]) -> str:
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 100
    stream = StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()
