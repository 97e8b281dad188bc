"""Remove the secrets of a product from texts."""

from __future__ import annotations

from typing import Any

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.secrets.recognition import known_secrets
from floe_core.secrets.redactor import Redactor


def redactor_of(artifacts: CompiledArtifacts) -> Redactor:
    """Return what hides the secrets of a product: of its profile, its backends, and its alerts."""
    settings: list[Any] = [artifacts.dbt.profile, artifacts.lineage.config]
    # The URL of a receiver is a secret under any name.
    settings += [{"secret": rule.to} for rule in artifacts.alerts]
    return Redactor(known_secrets(*settings).values())
