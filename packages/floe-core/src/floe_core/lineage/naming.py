"""OpenLineage names of a product's jobs and datasets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from floe_core.schemas.nodes import Node
from floe_core.secrets.references import UnsetVariableError, resolve

# Adapter -> (namespace scheme, profile keys of the host, port if the profile names none, unless
# _usual_port knows better; None if OpenLineage's names have no port).
_SERVERS: dict[str, tuple[str, tuple[str, ...], str | None]] = {
    "postgres": ("postgres", ("host",), "5432"),
    "redshift": ("redshift", ("host",), "5439"),
    "snowflake": ("snowflake", ("account",), None),
    "databricks": ("databricks", ("host",), None),
    "trino": ("trino", ("host",), "8080"),
    "clickhouse": ("clickhouse", ("host",), "8123"),
    "sqlserver": ("mssql", ("server", "host"), "1433"),
    "spark": ("spark", ("host",), "10001"),
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
        name = _logical_name(_text(profile, "path"), product)
        is_own = _is_in_product(str(profile.get("path") or ""))
        is_named_after_it = name.replace("_", "-") == product.replace("_", "-")
        return (
            f"duckdb://{product}/{name}"
            if is_own and not is_named_after_it
            else (f"duckdb://{name}")
        )
    if adapter == "bigquery":
        return "bigquery"
    if adapter == "spark" and _text(profile, "method") == "session":
        return f"spark://{product}"  # Its host has no meaning: Spark runs in dbt's process.
    scheme, keys, port = _SERVERS.get(adapter, (adapter or "warehouse", ("host",), ""))
    if adapter == "clickhouse":
        fallback = "localhost"  # as in dbt-clickhouse
    host = next(filter(None, (_text(profile, key) for key in keys)), "") or fallback
    own = "" if port is None else _text(profile, "port") or _usual_port(adapter, profile) or port
    return f"{scheme}://{':'.join(filter(None, (host, own)))}"


def _usual_port(adapter: str, profile: Mapping[str, Any]) -> str:
    """Return the port that an adapter takes by other settings of the profile, "" for none."""
    if adapter == "spark" and _text(profile, "method") in ("http", "odbc"):
        return "443"
    if adapter != "clickhouse":
        return ""
    is_secure = _text(profile, "secure").lower() in ("true", "1", "yes", "on")
    if _text(profile, "driver") == "native":
        return "9440" if is_secure else "9000"
    return "8443" if is_secure else "8123"


def without_credentials(namespace: str) -> str:
    """Return a namespace without user info and query string, which do not belong in a name."""
    return _USER_INFO.sub(r"\1", namespace.partition("?")[0])


def dataset_name(node: Node) -> str:
    """Return `database.schema.table`, without the parts that the warehouse does not have."""
    return ".".join(filter(None, (node.database, node.schema_name, node.identifier or node.name)))


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


def _text(profile: Mapping[str, Any], key: str) -> str:
    try:
        return str(resolve(profile.get(key, "") or ""))
    except UnsetVariableError:
        return ""
