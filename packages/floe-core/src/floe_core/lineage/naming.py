"""OpenLineage names of a product's jobs and datasets, and the ids of its runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha1
from pathlib import PurePosixPath
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.nodes import Node
from floe_core.warehouse.server_ports import server_port, text_of


def run_id_of_build(namespace: str, product: str, request: BuildRequest) -> str:
    """Return the id of one attempt of a product's run.

    A run with a tick is identified by it, so that any orchestrator gives it the same id; a run
    without one, by the orchestrator's run id. Each part of a run has its own id.
    """
    part = [request.part] if request.part else []
    return _derive(request, namespace, product, request.job, str(request.attempt), *part)


def run_id_of_node(namespace: str, product: str, request: BuildRequest, unique_id: str) -> str:
    """Return the id of one node's run within an attempt."""
    return _derive(request, namespace, product, request.job, str(request.attempt), unique_id)


def run_id_from(text: str) -> str:
    """Return the text if it is a UUID, otherwise a UUID derived from it."""
    try:
        return str(UUID(text))
    except ValueError:
        return str(uuid5(NAMESPACE_URL, f"floe:{text}"))


def static_uuid(instant: datetime, data: bytes) -> UUID:
    """Return the UUID of an instant and data: `openlineage.client.uuid.generate_static_uuid`.

    Reimplemented here because importing that client takes half a second, which a run would pay for.
    """
    instant = instant.astimezone(UTC)
    milliseconds = int(instant.timestamp() * 1000) & 0xFFFFFFFFFFFF
    digest = sha1(instant.isoformat().encode() + data, usedforsecurity=False).digest()
    value = (milliseconds << 80) | (int.from_bytes(digest) >> 84)
    # Version 7 in bits 76 to 79, variant 2 in bits 62 and 63: RFC 9562.
    value = (value & ~(0xF << 76)) | (7 << 76)
    return UUID(int=(value & ~(0x3 << 62)) | (0x2 << 62))


def _derive(request: BuildRequest, *parts: str) -> str:
    data = "\0".join(parts)
    if request.nominal_time is not None:
        return str(static_uuid(request.nominal_time, data.encode()))
    return str(uuid5(NAMESPACE_URL, f"floe:{request.run_id}\0{data}"))


# Adapter -> (namespace scheme, profile keys of the host, whether OpenLineage's names have a port).
_SERVERS: dict[str, tuple[str, tuple[str, ...], bool]] = {
    "postgres": ("postgres", ("host",), True),
    "redshift": ("redshift", ("host",), True),
    "snowflake": ("snowflake", ("account",), False),
    "databricks": ("databricks", ("host",), False),
    "trino": ("trino", ("host",), True),
    "clickhouse": ("clickhouse", ("host",), True),
    "sqlserver": ("mssql", ("server", "host"), True),
    "spark": ("spark", ("host",), True),
}

# The prefix with which compile resolves a relative path from the product's folder.
_PRODUCT_FOLDER = re.compile(r"\{\{ env_var\('FLOE_PROJECT_DIR', '\.'\) \}\}/")
_USER_INFO = re.compile(r"^([a-z][a-z0-9+.-]*://)[^/]*@", re.IGNORECASE)


def warehouse_namespace(profile: Mapping[str, Any], product: str) -> str:
    """Return the namespace of the warehouse's datasets: never a path, user or query string.

    `product` names a warehouse whose profile has no name, and is added for a file in the product's
    own folder that is not named after it: files of two products may have the same name.
    """
    adapter = str(profile.get("type", ""))
    fallback = product
    if adapter == "duckdb":
        name = _logical_name(text_of(profile, "path"), product)
        is_own = _is_in_product(str(profile.get("path") or ""))
        is_named_after_it = name.replace("_", "-") == product.replace("_", "-")
        return (
            f"duckdb://{product}/{name}"
            if is_own and not is_named_after_it
            else (f"duckdb://{name}")
        )
    if adapter == "bigquery":
        return "bigquery"
    if adapter == "spark" and text_of(profile, "method") == "session":
        return f"spark://{product}"  # Its host has no meaning: Spark runs in dbt's process.
    scheme, keys, has_port = _SERVERS.get(adapter, (adapter or "warehouse", ("host",), True))
    if adapter == "clickhouse":
        fallback = "localhost"  # as in dbt-clickhouse
    host = next(filter(None, (text_of(profile, key) for key in keys)), "") or fallback
    own = str(server_port(profile) or "") if has_port else ""
    return f"{scheme}://{':'.join(filter(None, (host, own)))}"


def without_credentials(namespace: str) -> str:
    """Return a namespace without user info and query string, which do not belong in a name."""
    return _USER_INFO.sub(r"\1", namespace.partition("?")[0])


def node_job_name(product: str, node: Node) -> str:
    """Return `<product>.<resource type>.<node>`, with the version of a versioned model."""
    version = f".v{node.version}" if node.version else ""
    return f"{product}.{node.resource_type}.{node.name}{version}"


def _logical_name(path: str, fallback: str) -> str:
    """Return a DuckDB database's name: that of its file or of its MotherDuck database."""
    location = path.partition("?")[0]
    if location.startswith(":memory:"):
        return "memory"
    name = PurePosixPath(location.rpartition(":")[2].replace("\\", "/")).name
    return name.removesuffix(".duckdb").removesuffix(".db") or fallback


def _is_in_product(path: str) -> bool:
    """Return whether a profile's path is a file in the product's folder, relative to it."""
    rooted = _PRODUCT_FOLDER.match(path)
    if not rooted:
        return False
    parts = PurePosixPath(path[rooted.end() :].partition("?")[0]).parts
    return bool(parts) and ".." not in parts
