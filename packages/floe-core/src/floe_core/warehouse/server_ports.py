"""Which port of a warehouse's server dbt connects to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from floe_core.secrets.references import UnsetVariableError, resolve

# Adapter -> port if the profile names none, unless other settings of the profile decide.
_USUAL = {"postgres": 5432, "redshift": 5439, "trino": 8080, "sqlserver": 1433}
# (native driver, secure) -> port, as in dbt-clickhouse.
_OF_CLICKHOUSE = {
    (False, False): 8123,
    (False, True): 8443,
    (True, False): 9000,
    (True, True): 9440,
}
_TRUE = ("true", "1", "yes", "on")


def server_port(profile: Mapping[str, Any]) -> int | None:
    """Return the port that a profile names, else the adapter's usual one; None if unknown.

    >>> server_port({"type": "trino"}), server_port({"type": "clickhouse", "secure": True})
    (8080, 8443)
    >>> server_port({"type": "duckdb"}), server_port({"type": "mysql", "port": "3306"})
    (None, 3306)
    """
    own = text_of(profile, "port")
    return int(own) if own.isdecimal() else _usual_port(profile)


def text_of(profile: Mapping[str, Any], key: str) -> str:
    """Return a setting as text with variables filled in, "" without it or if one is not set."""
    try:
        return str(resolve(profile.get(key, "") or ""))
    except UnsetVariableError:
        return ""


def _usual_port(profile: Mapping[str, Any]) -> int | None:
    adapter = str(profile.get("type", ""))
    if adapter == "clickhouse":
        is_secure = text_of(profile, "secure").lower() in _TRUE
        return _OF_CLICKHOUSE[text_of(profile, "driver") == "native", is_secure]
    if adapter == "spark":  # As OpenLineage's integration of dbt names it; a session has none.
        return {"http": 443, "odbc": 443, "session": None}.get(text_of(profile, "method"), 10001)
    return _USUAL.get(adapter)
