"""A run's parameters as run config of the step, which Dagster's launchpad offers and validates."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, get_args

from dagster import Array, DagsterRun, EnumValue, Failure, Field, OpExecutionContext
from dagster import Enum as ConfigEnum

from floe_core.execution import RunParameters
from floe_core.runs.run_parameters import RunResourceType
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.names.dagster_names import build_op_name

_TYPES: dict[str, Any] = {
    "select": str,
    "exclude": str,
    "resource_types": Array(
        ConfigEnum("ResourceType", [EnumValue(name) for name in get_args(RunResourceType)])
    ),
    "full_refresh": bool,
    "empty": bool,
    "vars": dict,
    "partitions": str,
}


def config_fields() -> dict[str, Field]:
    """Return the fields of the step's config, described as on every other orchestrator."""
    return {name: _field(name, kind) for name, kind in _TYPES.items()}


def _field(name: str, kind: Any) -> Field:
    field = RunParameters.model_fields[name]
    default = list(field.default) if isinstance(field.default, tuple) else field.default
    return Field(kind, default_value=default, is_required=False, description=field.description)


def run_config_of(artifacts: CompiledArtifacts, parameters: RunParameters) -> dict[str, Any]:
    """Return the run config that passes these parameters to a run."""
    given = parameters.as_given()
    return {"ops": {build_op_name(artifacts): {"config": given}}} if given else {}


def parameters_of(context: OpExecutionContext, artifacts: CompiledArtifacts) -> RunParameters:
    """Return the parameters of the run.

    If Dagster splits a product into several steps, the parameters of the first step apply to every
    step that has none of its own.

    Raises:
        Failure: They are invalid.
    """
    run_config: Mapping[str, Any] = context.run.run_config
    ops = run_config.get("ops") or {}
    own, first = (ops.get(name) for name in (context.op_handle.name, context.op_def.name))
    values = context.op_config if own or not first else first.get("config") or {}
    try:
        return RunParameters.given(_plain(values))
    except ValueError as error:
        raise Failure(f"the run config of the step: {error}", allow_retries=False) from None


def parameters_of_run(run: DagsterRun, artifacts: CompiledArtifacts) -> RunParameters:
    """Return the parameters in a run's config; empty ones if the config has none."""
    run_config: Mapping[str, Any] = run.run_config
    ops = run_config.get("ops") or {}
    values = (ops.get(build_op_name(artifacts)) or {}).get("config") or {}
    try:
        return RunParameters.given(_plain(values))
    except ValueError:
        return RunParameters()


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    types = values.get("resource_types") or ()
    plain = [each.name if isinstance(each, Enum) else each for each in types]
    return {**values, "resource_types": tuple(plain)}
