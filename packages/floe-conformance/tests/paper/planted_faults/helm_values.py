"""Plugins broken in their Helm values."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paper_orchestrator import SIZES, PaperPlugin

from floe_core.plugin_api.helm.settings import HelmProduct, HelmSettings, resources_block


class GivesObjectsAsHelmValues(PaperPlugin):
    caught_by = "test_helm_values_are_plain_and_not_empty"

    def get_helm_values(self) -> dict[str, Any]:
        return {**super().get_helm_values(), "tag": Path("/opt/paper")}


class GivesNewHelmValuesEachTime(PaperPlugin):
    caught_by = "test_helm_values_are_the_same_each_time"

    def get_helm_values(self) -> dict[str, Any]:
        return {**super().get_helm_values(), "tag": str(time.monotonic_ns())}


class AliasesItsHelmValues(PaperPlugin):
    """A copy of the outer dict only."""

    caught_by = "test_helm_values_are_nobody_elses"

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, dict[str, Any]] = {}

    def get_helm_values(self) -> dict[str, Any]:
        return dict(self.kept.setdefault(repr(self.settings), super().get_helm_values()))


class HasOneMemoryForAllSizes(PaperPlugin):
    caught_by = "test_helm_values_hold_the_resources_of_their_size"

    def desk(self, settings: HelmSettings) -> dict[str, Any]:
        found = super().desk(settings)
        if found["limits"]["memory"] == SIZES["large"].memory_limit:
            found["limits"]["memory"] = SIZES["medium"].memory_limit
        return found


class SaysAllSizesAtOnce(PaperPlugin):
    """Whatever is asked for is in it."""

    caught_by = "test_helm_values_grow_with_their_size"

    def desk(self, settings: HelmSettings) -> dict[str, Any]:
        every = [resources_block(self.get_resource_requirements(size)) for size in SIZES]
        return {"requests": {}, "limits": {}, "sizes": every}

    def chart_folder(self) -> Path:
        return Path(__file__).parents[1] / "chart-of-all-sizes"


class KeepsPresetsFromItsHelmValues(PaperPlugin):
    caught_by = "test_resource_presets_reach_the_helm_values"

    def desk(self, settings: HelmSettings) -> dict[str, Any]:
        return resources_block(SIZES[settings.size])


class ForgetsTheLastProduct(PaperPlugin):
    caught_by = "test_helm_values_name_each_product_and_its_image"

    def get_helm_values(self) -> dict[str, Any]:
        found = super().get_helm_values()
        return {**found, "products": found["products"][:1]}


class TakesAnyHelmSetting(PaperPlugin):
    """Reads the keys it knows and looks at no other."""

    caught_by = "test_a_wrong_helm_setting_is_refused"

    def configure(self, settings: Mapping[str, Any]) -> None:
        known = HelmSettings.model_fields
        helm = {key: value for key, value in settings.get("helm", {}).items() if key in known}
        super().configure({**settings, "helm": helm})


class WritesImagesThatItsChartRefuses(PaperPlugin):
    caught_by = "test_the_chart_takes_the_helm_values"

    def sheet(self, product: HelmProduct) -> dict[str, Any]:
        return {**super().sheet(product), "size": product.size}
