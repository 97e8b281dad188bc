"""The text of floe.yaml and manifest.yaml."""

from __future__ import annotations

from io import StringIO
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML

from floe_core.foundation.errors import InvalidProductError, Problem
from floe_core.schemas.floe_yaml import FloeSpec
from floe_core.schemas.manifest_yaml import Manifest


def floe_yaml_text(document: dict[str, Any]) -> str:
    """Return the text of floe.yaml.

    Raises:
        InvalidProductError: floe would refuse it, for instance one of its names.
    """
    return _text(FloeSpec, "floe.yaml", document)


def manifest_yaml_text(orchestrator: str, compute: dict[str, Any], target: str) -> str:
    """Return the text of manifest.yaml; `target` is its one environment, "" for none.

    Raises:
        InvalidProductError: floe would refuse it, for instance one of its names.
    """
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
    return _text(Manifest, "manifest.yaml", document)


def _text(schema: type[BaseModel], name: str, document: dict[str, Any]) -> str:
    try:
        schema.model_validate(document)
    except ValidationError as error:
        raise InvalidProductError(
            Problem(f"{name} can't have `{'.'.join(map(str, each['loc']))}`: {each['msg']}")
            for each in error.errors()
        ) from None
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 100
    stream = StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()
