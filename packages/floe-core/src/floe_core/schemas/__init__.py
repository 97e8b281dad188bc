"""The files that floe reads and writes, as frozen models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from floe_core.foundation.lazy_names import importer

if TYPE_CHECKING:
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts as CompiledArtifacts
    from floe_core.schemas.floe_yaml import FloeSpec as FloeSpec
    from floe_core.schemas.manifest_yaml import Manifest as Manifest

_HOMES = {
    "CompiledArtifacts": "floe_core.schemas.compiled_artifacts",
    "FloeSpec": "floe_core.schemas.floe_yaml",
    "Manifest": "floe_core.schemas.manifest_yaml",
}


# Import a schema when it is first used: a DAG file needs only one of them.
__getattr__ = importer(__name__, _HOMES)
