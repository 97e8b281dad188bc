"""The metadata by which the helpers of dagster-dbt know a definition, such as
`get_asset_key_for_model`.

They need the manifest and a translator. Both are there only in name: neither the manifest is read
nor dagster-dbt imported until a helper asks for them, as both take seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_orchestrator_dagster.names.asset_map import AssetMap
from floe_orchestrator_dagster.names.dbt_node import Manifest, manifest_of

if TYPE_CHECKING:
    from dagster_dbt import DagsterDbtTranslator

# The keys of dagster-dbt 0.26 and later (`dagster_dbt.asset_utils`).
MANIFEST, TRANSLATOR = "dagster_dbt/manifest", "dagster_dbt/dagster_dbt_translator"
UNIQUE_ID = "dagster_dbt/unique_id"
SELECT, EXCLUDE = "dagster_dbt/select", "dagster_dbt/exclude"


def is_installed() -> bool:
    """Return whether dagster-dbt is installed; it is not imported."""
    return find_spec("dagster_dbt") is not None


def tags_of_selection(select: str, exclude: str) -> dict[str, str]:
    """Return the tags in which dagster-dbt looks up what an op selects; {} if not installed."""
    if not is_installed():
        return {}
    return {SELECT: select or "fqn:*", **({EXCLUDE: exclude} if exclude else {})}


class HelperMetadata:
    """The metadata of all assets of one product."""

    def __init__(self, artifacts: CompiledArtifacts) -> None:
        self.asset_map: AssetMap | None = None
        translator = TranslatorOfHelpers(self._translator)
        self._shared = {MANIFEST: ManifestOfHelpers(artifacts), TRANSLATOR: translator}

    def of(self, node: Node) -> Mapping[str, Any]:
        """Return the metadata of a node's asset; of a source there is none to be read."""
        return {**self._shared, UNIQUE_ID: node.unique_id} if node.is_relation else {}

    def _translator(self) -> DagsterDbtTranslator:
        from floe_orchestrator_dagster.translator.floe_translator import FloeTranslator

        assert self.asset_map is not None
        return FloeTranslator(self.asset_map)


class ManifestOfHelpers:
    """Stands for a `DbtManifestWrapper`, and reads the manifest when it is asked for."""

    def __init__(self, artifacts: CompiledArtifacts) -> None:
        self._artifacts = artifacts

    @property
    def manifest(self) -> Manifest:
        """The product's dbt manifest."""
        return manifest_of(self._artifacts)


class TranslatorOfHelpers:
    """Stands for a `DagsterDbtTranslator`, also for `isinstance`, and is made when first used.

    Whoever has that class to compare with has imported dagster-dbt already.
    """

    def __init__(self, make: Callable[[], DagsterDbtTranslator]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> DagsterDbtTranslator:
        return self._make()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._made, name)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        module = sys.modules.get("dagster_dbt")
        return getattr(module, "DagsterDbtTranslator", TranslatorOfHelpers)
