"""The sides of a move, from a compiled folder and from manifests that say how to reach them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from floe_core import plugin_registry
from floe_core.foundation.errors import PluginError, UsageError
from floe_core.foundation.service_probe import without_secrets
from floe_core.plugin_api.unmanaged_schedules import UnmanagedSchedules
from floe_core.schedules.schedule_store import STORE_SETTING, STORE_VARIABLE, place_in
from floe_core.schemas.compiled_artifacts import CompiledArtifacts, OrchestratorChoice
from floe_migrate.sides.side import (
    LiveSide,
    Side,
    UnmanagedSide,
    is_unmanaged,
    name_there,
    orchestrator_of,
)

# How long each request about a schedule that floe does not manage may take.
_SECONDS = 60.0


@dataclass(frozen=True)
class Sides:
    """The orchestrators of a product: each reached by its settings in one of the manifests.

    `settings` is orchestrator -> settings of `plugins.orchestrator.config`.
    """

    artifacts: CompiledArtifacts
    settings: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, product: Path, access: Sequence[Path]) -> Sides:
        """Return the sides of a compiled product.

        Raises:
            UsageError: There is no such manifest.
            StaleProductError: The folder holds no compiled product.
        """
        artifacts = CompiledArtifacts.load(product.absolute())
        chosen = artifacts.orchestrator
        return cls(artifacts, {chosen.name: chosen.config, **_settings_in(access)})

    def side(self, name: str) -> LiveSide:
        """Return a side.

        Raises:
            PluginError: Its plugin is not installed.
        """
        config = dict(self.settings.get(name, {}))
        choice = OrchestratorChoice(name=name, config=config)
        artifacts = self.artifacts.model_copy(update={"orchestrator": choice})
        bound = artifacts.bound_to(self.artifacts.folder)
        return LiveSide(bound, plugin_registry.load(name, config))

    def any_side(self, name: str) -> Side:
        """Return a side, or a schedule that floe does not manage. Raises like these."""
        return self.unmanaged(name) if is_unmanaged(name) else self.side(name)

    def unmanaged(self, name: str) -> UnmanagedSide:
        """Return a schedule that floe does not manage, by its name in the records.

        Raises:
            PluginError: The plugin of its orchestrator is not installed, or cannot pause it.
        """
        orchestrator = orchestrator_of(name)
        plugin = plugin_registry.load(orchestrator, dict(self.settings.get(orchestrator, {})))
        if not isinstance(plugin, UnmanagedSchedules):
            raise PluginError(f"the plugin '{orchestrator}' cannot pause schedules of others")
        return UnmanagedSide(name, plugin.unmanaged_schedule(name_there(name), _SECONDS))

    def require_store_of(self, name: str) -> None:
        """Check that an orchestrator reads the records of this folder, or of a shared store.

        Raises:
            UsageError: The folder is compiled for another orchestrator, and names no shared store.
        """
        if name != self.artifacts.orchestrator.name:
            self.require_shared_store(name, self.artifacts.orchestrator.name)

    def require_shared_store(self, *names: str) -> None:
        """Check that all of these name the same store of schedules, which they can share.

        Raises:
            UsageError: One names none, another one, or a relative folder.
        """
        places = {name: self._store_of(name) for name in names}
        lacking = [name for name, place in places.items() if not is_shared(place)]
        if lacking:
            raise UsageError(
                f"the schedules of {self.artifacts.product.name} on {' and '.join(lacking)} are in "
                "no store that both orchestrators read; name the same folder, fsspec URL or "
                f"PostgreSQL database in `plugins.orchestrator.config.{STORE_SETTING}` of both "
                f"manifests, or in {STORE_VARIABLE} here and on both, and give the manifest of "
                "the other orchestrator with --access"
            )
        if len(set(places.values())) > 1:
            told = ", ".join(f"{show_place(each)} on {name}" for name, each in places.items())
            raise UsageError(f"the schedules are in different stores: {told}; name the same one")

    def _store_of(self, name: str) -> str:
        place = os.environ.get(STORE_VARIABLE) or place_in(self.settings.get(name, {}))
        return place.removeprefix("file://").rstrip("/")


def is_shared(place: str) -> bool:
    """Return whether other processes can reach a place by its name: a URL, or an absolute path."""
    return "://" in place or Path(place).is_absolute()


def show_place(place: str) -> str:
    """Return a place for messages, without secrets."""
    return without_secrets(place) if "://" in place else place


def _settings_in(access: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """Return orchestrator -> settings, in these manifests."""
    if not access:
        return {}
    from floe_core.compiler.settings import plugin_settings

    found = {}
    for path in access:
        manifest = _manifest(path)
        found[manifest.plugins.orchestrator.type] = plugin_settings(manifest)
    return found


def _manifest(path: Path) -> Any:
    from floe_core.compiler.findings import Findings
    from floe_core.compiler.inputs import manifest_data
    from floe_core.schemas.manifest_yaml import Manifest
    from floe_core.schemas.reading import validate
    from floe_core.user_yaml.source_map import read_document

    if not path.is_file():
        raise UsageError(f"--access {path}: there is no such file; name a manifest.yaml")
    document = read_document(path, str(path))
    return validate(document, Manifest, manifest_data(document, Findings(lambda notice: None)))
