"""Read a Dagster resource as the fields of a dbt profile."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dagster import OpExecutionContext
from pydantic import BaseModel

from floe_core.runs.build_request import ReadConnection
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


def resource_keys(artifacts: CompiledArtifacts) -> set[str]:
    """Return the keys of the resources that the step of a product needs."""
    return {resource_key(name) for name in artifacts.dbt.connections}


def resource_key(connection: str) -> str:
    """Return the key of the resource for a connection; Dagster allows word characters only."""
    return re.sub(r"\W", "_", connection, flags=re.ASCII)


def connection_reader(context: OpExecutionContext) -> ReadConnection:
    """Return what reads the resources of a step: their fields, as they are called there."""

    def read(name: str, adapter: str) -> Mapping[str, Any]:
        return fields_of(getattr(context.resources, resource_key(name)))

    return read


def fields_of(resource: Any) -> Mapping[str, Any]:
    """Return the fields of a resource that have a value."""
    if isinstance(resource, Mapping):
        found = dict(resource)
    elif isinstance(resource, BaseModel):
        found = {name: getattr(resource, name) for name in type(resource).model_fields}
    else:
        found = vars(resource) if hasattr(resource, "__dict__") else {}
    return {name: value for name, value in found.items() if value not in (None, "")}


def read_connection(name: str, adapter: str) -> Mapping[str, Any]:
    """Refuse: only a step of a run has resources.

    Raises:
        LookupError: Always, with what to do.
    """
    what = f"it is the resource '{resource_key(name)}' of Dagster, which only runs have"
    raise LookupError(f"{what}; set the variables that the profile names to read it here")
