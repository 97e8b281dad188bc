"""Plugins broken in the resources of pods."""

from __future__ import annotations

from typing import Any

from paper_orchestrator import SIZES, PaperPlugin

from floe_core.plugin_api.helm.settings import HelmSettings, resources_block
from floe_core.plugin_interfaces import ResourceSpec


class DoesNotGrow(PaperPlugin):
    """1024Mi after 1Gi: other texts, the same amount."""

    caught_by = "test_the_sizes_grow_in_every_resource"

    def get_resource_requirements(self, workload_size: str) -> ResourceSpec:
        found = super().get_resource_requirements(workload_size)
        same = ResourceSpec(found.cpu_request, found.cpu_limit, "1024Mi", found.memory_limit)
        return same if found == SIZES["large"] else found


class AsksForMoreThanItsLimit(PaperPlugin):
    caught_by = "test_no_request_is_above_its_limit"

    def get_resource_requirements(self, workload_size: str) -> ResourceSpec:
        found = super().get_resource_requirements(workload_size)
        more = ResourceSpec("8000m", found.cpu_limit, found.memory_request, found.memory_limit)
        return more if found == SIZES["large"] else found


class GuessesAnUnknownSize(PaperPlugin):
    caught_by = "test_another_size_is_refused_with_the_three"

    def get_resource_requirements(self, workload_size: str) -> ResourceSpec:
        return super().get_resource_requirements(
            workload_size if workload_size in SIZES else "small"
        )


class IgnoresPresets(PaperPlugin):
    caught_by = "test_resource_presets_replace_the_plugins_own"

    def get_resource_requirements(self, workload_size: str) -> ResourceSpec:
        return (
            SIZES[workload_size]
            if workload_size in SIZES
            else super().get_resource_requirements("")
        )

    def desk(self, settings: HelmSettings) -> dict[str, Any]:
        own = super().get_resource_requirements(settings.size)
        return resources_block(own)
