from __future__ import annotations

import pytest

from floe_core.plugin_api.resource_sizes import resources_for
from floe_core.plugin_interfaces import ResourceSpec

DEFAULTS = {
    "small": ResourceSpec("100m", "500m", "256Mi", "512Mi"),
    "medium": ResourceSpec("500m", "1", "1Gi", "2Gi"),
    "large": ResourceSpec("1", "2", "2Gi", "4Gi"),
}


def test_without_an_override_the_default_holds() -> None:
    assert {size: resources_for(size, DEFAULTS, {}) for size in DEFAULTS} == DEFAULTS


def test_an_override_replaces_only_the_fields_it_gives() -> None:
    assert resources_for("medium", DEFAULTS, {"medium": {"memory_limit": "8Gi"}}) == ResourceSpec(
        "500m", "1", "1Gi", "8Gi"
    )


def test_a_whole_specification_replaces_the_default() -> None:
    ours = ResourceSpec("2", "4", "4Gi", "8Gi")
    assert resources_for("large", DEFAULTS, {"large": ours}) == ours


def test_an_override_of_another_size_changes_nothing() -> None:
    assert resources_for("small", DEFAULTS, {"large": {"cpu_limit": "9"}}) == DEFAULTS["small"]


@pytest.mark.parametrize("size", ["", "Small", "xlarge"])
def test_another_size_is_refused_with_the_three(size: str) -> None:
    with pytest.raises(ValueError, match="no workload size") as refused:
        resources_for(size, DEFAULTS, {})
    assert str(refused.value) == f"no workload size {size!r}; the sizes are small, medium, large"


def test_a_misspelt_field_is_refused_with_the_four() -> None:
    with pytest.raises(ValueError, match="no field") as refused:
        resources_for("small", DEFAULTS, {"small": {"cpu": "1"}})
    assert str(refused.value) == (
        "resources of 'small': no field cpu; "
        "the fields are cpu_request, cpu_limit, memory_request, memory_limit"
    )
