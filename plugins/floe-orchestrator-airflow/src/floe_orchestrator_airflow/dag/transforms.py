"""Operators for transforms described without a compiled product."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from floe_core.plugin_api.transform_graph import ordered
from floe_core.plugin_interfaces import TransformConfig
from floe_orchestrator_airflow.task.nodes_operator import FloeNodeOperator

_FACTS = ("tags", "compute", "schema_name", "materialization", "path", "meta")


class FloeTransformOperator(FloeNodeOperator):
    """Builds the transform of the same name in a compiled product, and holds its description.

    `facts` holds tags, compute, schema_name, materialization, path and meta, without empty ones.
    Each is also in the task's `params`, for the UI and for templates.
    """

    custom_operator_name = "floe transform"

    def __init__(self, *, facts: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.facts = facts


def operators_from_transforms(
    transforms: list[TransformConfig], project_dir: Path | None
) -> list[FloeTransformOperator]:
    """Return an operator for each transform, in the order of the list, dependencies set.

    They join the DAG of the surrounding `with` block, or one that they are added to. A dependency
    outside the list has no task.

    Raises:
        ValueError: There is a cycle, a transform that depends on itself, or a duplicate name.
    """
    ordered(transforms)
    operators = {t.name: _operator(t, project_dir) for t in transforms}
    for transform in transforms:
        for name in transform.depends_on:
            if name in operators:
                _depend(operators[transform.name], on=operators[name])
    return list(operators.values())


def _operator(transform: TransformConfig, project_dir: Path | None) -> FloeTransformOperator:
    facts = _facts(transform)
    return FloeTransformOperator(
        task_id=transform.name,
        node=transform.name,
        project_dir=project_dir,
        facts=facts,
        params=facts,
        doc_md=_documentation(facts),
    )


def _facts(transform: TransformConfig) -> dict[str, Any]:
    facts = {name: getattr(transform, name) for name in _FACTS}
    copied = {"tags": list(transform.tags), "meta": dict(transform.meta)}
    return {name: value for name, value in {**facts, **copied}.items() if value}


def _documentation(facts: dict[str, Any]) -> str | None:
    if not facts:
        return None
    return "```json\n" + json.dumps(facts, indent=2, sort_keys=True, default=str) + "\n```"


def _depend(task: FloeTransformOperator, on: FloeTransformOperator) -> None:
    """Set the edge. Airflow's own method requires a DAG, to which tasks may be added later."""
    task.upstream_task_ids.add(on.task_id)
    on.downstream_task_ids.add(task.task_id)
