"""The store of a product's waiting alerts, and of notes between runs."""

from __future__ import annotations

import os

from floe_core.alerts.target import Target, targets_of
from floe_core.alerts.waiting_alerts import AlertStore
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.secrets.references import setting

STORE_VARIABLE = "FLOE_ALERT_STORE"
STORE_SETTING = "alert_store"


def store_of(artifacts: CompiledArtifacts) -> AlertStore:
    """Return the store of a product in its environment.

    `$FLOE_ALERT_STORE`, or else the orchestrator's setting `alert_store`, is a folder, an fsspec
    URL or a PostgreSQL database that all who report share; without either, it is in the product's
    state folder.

    Raises:
        EnvironmentProblemError: The setting names a variable that is not set.
    """
    place = store_place(artifacts)
    if place:
        from floe_core.alerts.shared_store import SharedStore
        from floe_core.storage.shared_text import shared_text

        name = f"{artifacts.product.name}.alerts"
        own = f"{artifacts.environment}.{name}" if artifacts.environment else name
        return SharedStore(shared_text(place, own))
    from floe_core.alerts.folder_store import FolderStore

    return FolderStore(artifacts.folder, artifacts.environment)


def store_place(artifacts: CompiledArtifacts) -> str:
    """Return the store's place from the environment or the manifest, "" for none."""
    given = os.environ.get(STORE_VARIABLE, "").strip()
    try:
        return given or setting(artifacts.orchestrator.config, STORE_SETTING)
    except ValueError as error:
        raise EnvironmentProblemError(f"the store of alerts: {error}") from None


def active_targets(artifacts: CompiledArtifacts) -> list[Target]:
    """Return the targets that are not switched off."""
    return [each for each in targets_of(artifacts) if not each.is_off]
