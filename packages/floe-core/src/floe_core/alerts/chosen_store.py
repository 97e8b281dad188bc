"""Which store a product's alerts wait in."""

from __future__ import annotations

from floe_core.alerts.alert_store import AlertStore, store_place
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


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
