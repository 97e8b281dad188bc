"""Choose the resources of a pod by the size of its workload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields

from floe_core.plugin_interfaces import WORKLOAD_SIZES, ResourceSpec

_FIELDS = tuple(field.name for field in fields(ResourceSpec))


def resources_for(
    size: str,
    defaults: Mapping[str, ResourceSpec],
    overrides: Mapping[str, ResourceSpec | Mapping[str, str]],
) -> ResourceSpec:
    """Return the default resources of a size, with the fields of its override replaced.

    Raises:
        ValueError: The size or a field does not exist; the text lists those that do.
    """
    if size not in WORKLOAD_SIZES:
        raise ValueError(f"no workload size {size!r}; the sizes are {', '.join(WORKLOAD_SIZES)}")
    override = overrides.get(size, {})
    given = asdict(override) if isinstance(override, ResourceSpec) else dict(override)
    unknown = sorted(set(given) - set(_FIELDS))
    if unknown:
        raise ValueError(
            f"resources of '{size}': no field {', '.join(unknown)}; "
            f"the fields are {', '.join(_FIELDS)}"
        )
    replaced = {name: value for name, value in given.items() if value}
    return ResourceSpec(**{**asdict(defaults[size]), **replaced})
