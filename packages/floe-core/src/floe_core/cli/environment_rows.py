"""The environments of a product, as `floe show` prints them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from floe_core.user_yaml.dbt_vars import without_tags

if TYPE_CHECKING:
    from rich.tree import Tree

    from floe_core.schemas.compiled_artifacts import CompiledArtifacts
    from floe_core.schemas.environment_values import EnvironmentValues


def environments_as_dict(artifacts: CompiledArtifacts) -> dict[str, dict[str, Any]]:
    """Return environment -> the values that it overrides, for JSON."""
    return {
        name: {
            "target": values.target_name,
            "threads": values.max_parallel,
            "vars": without_tags(values.vars),
            "lineage_namespace": values.lineage_namespace,
            "schedules": {
                job: schedule.model_dump(mode="json") for job, schedule in values.schedules.items()
            },
            "sizes": sorted(values.resources),
            "nodes": values.nodes,
        }
        for name, values in sorted(artifacts.environments.items())
    }


def environments_tree(artifacts: CompiledArtifacts) -> Tree:
    """Return the environments with the values that each overrides; the chosen one is marked."""
    from rich.markup import escape
    from rich.tree import Tree

    tree = Tree("[bold]environments[/]")
    for name, values in sorted(artifacts.environments.items()):
        mark = " (chosen)" if name == artifacts.environment else ""
        branch = tree.add(f"{escape(name)}{mark}")
        for line in _lines(values):
            branch.add(f"[dim]{escape(line)}[/]")
    return tree


def _lines(values: EnvironmentValues) -> list[str]:
    schedules = (
        f"schedule of {job}: {schedule.cron} in {schedule.timezone}"
        f"{'' if schedule.enabled else ' (disabled)'}"
        for job, schedule in sorted(values.schedules.items())
    )
    single = {
        "target": values.target_name,
        "threads": values.max_parallel,
        "vars": json.dumps(without_tags(values.vars), sort_keys=True) if values.vars else "",
        "lineage namespace": values.lineage_namespace,
        "sizes": ", ".join(sorted(values.resources)),
        "nodes with other values": len(values.nodes),
    }
    return [*(f"{name}: {value}" for name, value in single.items() if value), *schedules]
