"""Take the resources that a product's step needs from its definitions.py."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster import Definitions

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.names.entry_point import FILENAME
from floe_orchestrator_dagster.step.connection import resource_keys


def resources_of(artifacts: CompiledArtifacts) -> Mapping[str, Any]:
    """Return key -> resource, for those that hold the credentials of a product's compute.

    Raises:
        EnvironmentProblemError: definitions.py has no such resource.
    """
    keys = resource_keys(artifacts)
    if not keys:
        return {}
    found = _resources_in(artifacts.folder / FILENAME)
    for key in sorted(keys - found.keys()):
        what = f"{FILENAME} has no resource '{key}', which holds the credentials of compute"
        fix = f"merge `Definitions(resources={{'{key}': ...}})` with the product's definitions"
        raise EnvironmentProblemError(f"{what}; {fix}")
    return {key: found[key] for key in keys}


def _resources_in(file: Path) -> Mapping[str, Any]:
    values = runpy.run_path(str(file)).values() if file.exists() else ()
    definitions = (value for value in values if isinstance(value, Definitions))
    return {key: each for found in definitions for key, each in (found.resources or {}).items()}
