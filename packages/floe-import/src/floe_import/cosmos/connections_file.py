"""Databases and schemas in Airflow's connections, as `airflow connections export` writes them.

Or as the Astro CLI reads them: https://www.astronomer.io/docs/astro/cli/local-connections
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from floe_core.foundation.errors import InvalidProductError, Problem
from floe_core.user_yaml.source_map import read_document

# The fields of a connection. What is secret in them is never written.
Connection = Mapping[str, Any]
# By their ids.
Connections = Mapping[str, Connection]
EXTRA = "extra "
_FIX = "write it with `airflow connections export FILE --file-format json`"


def read_connections(file: Path) -> Connections:
    """Return the connections of a file, JSON or YAML; those of the Astro CLI without `conn_`.

    Raises:
        InvalidProductError: It can't be read, or is no such file.
    """
    try:
        document = read_document(file, str(file))
    except InvalidProductError as error:
        problems = [replace(each, fix=each.fix or _FIX) for each in error.problems]
        raise InvalidProductError(problems) from None
    connections = _of_astro(document.data)
    problems = [
        Problem(f"the connection '{name}' is no mapping of its fields", _FIX, str(file))
        for name, fields in connections.items()
        if not isinstance(fields, dict)
    ]
    if problems:
        raise InvalidProductError(problems)
    return connections


def _of_astro(document: Mapping[str, Any]) -> Connections:
    """Return the connections of an airflow_settings.yaml of the Astro CLI, any other as it is.

    >>> _of_astro({"airflow": {"connections": [{"conn_id": "pg", "conn_schema": "shop"}]}})
    {'pg': {'id': 'pg', 'schema': 'shop'}}
    """
    settings = document.get("airflow")
    found = settings.get("connections") if isinstance(settings, dict) else None
    if not isinstance(found, list):
        return document
    return {
        str(each.get("conn_id")): {k.removeprefix("conn_"): v for k, v in each.items()}
        for each in found
        if isinstance(each, dict)
    }


def named_part(fields: Connection, source: str) -> str:
    """Return a field of a connection, or of its extra, as `Mapping.named` has it; "" if not set.

    >>> named_part({"schema": "shop", "extra": '{"project": "acme"}'}, "schema")
    'shop'
    >>> named_part({"extra": '{"extra__google_cloud_platform__project": "acme"}'}, "extra project")
    'acme'
    """
    name = source.removeprefix(EXTRA)
    if name == source:
        return _text(fields.get(source))
    extra = _extra(fields)
    # Cosmos reads the names of older versions of Airflow for Google alone.
    return _text(extra.get(name) or extra.get(f"extra__google_cloud_platform__{name}"))


def _extra(fields: Connection) -> Mapping[str, Any]:
    extra = fields.get("extra") or {}
    try:
        found = json.loads(extra) if isinstance(extra, str) else extra
    except JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int) else ""
