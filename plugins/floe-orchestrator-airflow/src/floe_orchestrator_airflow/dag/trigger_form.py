"""The params of a job's DAG, which Airflow's trigger form offers, describes and validates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from airflow.sdk import Param

from floe_core.runs.run_parameters import RunParameters, RunResourceType
from floe_core.schemas.nodes import Node
from floe_orchestrator_airflow.names.run_of_product import (
    NODE_IDS_PARAM,
    RANGE_END_PARAM,
    RANGE_START_PARAM,
)

MAX_EXAMPLES = 100
# Airflow's form has a field for each of these; an empty field is null.
_SCHEMAS: dict[str, dict[str, Any]] = {
    "select": {"type": ["string", "null"]},
    "exclude": {"type": ["string", "null"]},
    "resource_types": {
        "type": ["array", "null"],
        "items": {"type": "string", "enum": list(get_args(RunResourceType))},
        "examples": list(get_args(RunResourceType)),
    },
    "full_refresh": {"type": "boolean"},
    "empty": {"type": "boolean"},
    "vars": {"type": ["object", "null"]},
    "partitions": {"type": ["string", "null"]},
}


def trigger_form(nodes: Sequence[Node]) -> dict[str, Param]:
    """Return name -> param, in the order of the form, for a job of these nodes."""
    return {
        **{name: _param(name, schema) for name, schema in _SCHEMAS.items()},
        NODE_IDS_PARAM: _node_ids_param(nodes),
        RANGE_START_PARAM: _range_param("Range start"),
        RANGE_END_PARAM: _range_param("Range end, exclusive"),
    }


def _param(name: str, schema: dict[str, Any]) -> Param:
    field = RunParameters.model_fields[name]
    default = list(field.default) if isinstance(field.default, tuple) else field.default
    return Param(default=default, title=field.title, description=field.description, **schema)


def _node_ids_param(nodes: Sequence[Node]) -> Param:
    return Param(
        default=[],
        type=["array", "null"],
        items={"type": "string"},
        title="Only these nodes",
        description="Ids of the dbt nodes to build. Empty builds the whole job.",
        # Airflow copies the params of a DAG for each of its tasks.
        examples=[node.unique_id for node in nodes[:MAX_EXAMPLES]],
    )


def _range_param(title: str) -> Param:
    return Param(
        default=None,
        type=["string", "null"],
        format="date-time",
        title=title,
        description="The range to backfill; dbt receives it as floe_range_start and _end.",
    )
