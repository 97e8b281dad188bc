"""The files floe reads and writes, as frozen models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts
    from floe_core.schemas.floe_yaml import FloeSpec
    from floe_core.schemas.manifest_yaml import Manifest

__all__ = ["CompiledArtifacts", "FloeSpec", "Manifest"]

_HOMES = {
    "CompiledArtifacts": "floe_core.schemas.compiled_artifacts",
    "FloeSpec": "floe_core.schemas.floe_yaml",
    "Manifest": "floe_core.schemas.manifest_yaml",
}


def __getattr__(name: str) -> Any:
    """Import a schema when it is first asked for: a DAG file needs only one of them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
