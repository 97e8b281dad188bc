"""Read an Airflow connection as the fields of a dbt profile."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any

from airflow.configuration import conf
from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException

from floe_orchestrator_airflow.internals import stored_connections, why_not_stored

# dbt's name of a field -> the connection's; any other field is a key of its extra.
_ATTRIBUTES = {
    "host": "host",
    "server": "host",
    "port": "port",
    "user": "login",
    "username": "login",
    "password": "password",
    "token": "password",
    "dbname": "schema",
    "database": "schema",
}
# Adapter -> the types of connection that hold its credentials.
_TYPES = {
    "bigquery": ("google_cloud_platform", "gcpbigquery"),
    "clickhouse": ("clickhouse", "sqlite"),
    "databricks": ("databricks",),
    "mysql": ("mysql",),
    "postgres": ("postgres",),
    "redshift": ("redshift", "postgres"),
    "snowflake": ("snowflake",),
    "sqlserver": ("mssql", "odbc"),
    "trino": ("trino",),
}
_ANY_TYPE = ("", "generic")
# Their connections may have a URL as the host, and their profiles a name.
_WITHOUT_SCHEME = ("databricks", "trino")
# Airflow's old forms put the type before the name of an extra: extra__snowflake__account.
_OLD_EXTRA = re.compile(r"^extra__\w+?__")
_REFERENCE = re.compile(r"\{\{\s*env_var\('(\w+)'\)\s*\}\}")


def read_connection(name: str, adapter: str) -> Mapping[str, Any]:
    """Return dbt's field -> value of a connection, from Airflow's secrets backends.

    Outside of a task, the metadata database is the one that AIRFLOW_HOME leads to. Where Cosmos is
    installed, its mapping adds fields that the connection has by another name.

    Raises:
        LookupError: There is no such connection, it can't be read, or it is of another type.
    """
    with stored_connections() if _has_database() else nullcontext(False) as is_database_read:
        try:
            connection = _connection(name, is_database_read=is_database_read)
        except AirflowException as error:
            raise LookupError(f"Airflow can't read it: {error}") from error
        by_cosmos = _by_cosmos(name)
    allowed = _TYPES.get(adapter, ())
    if allowed and (connection.conn_type or "") not in (*allowed, *_ANY_TYPE):
        what = f"it is of type '{connection.conn_type}'"
        raise LookupError(f"{what}; {adapter} needs one of type {' or '.join(allowed)}")
    fields = {**by_cosmos, **dict(_fields(connection))}
    if adapter == "snowflake":
        fields |= _snowflake_account(fields)
    if adapter in _WITHOUT_SCHEME and "host" in fields:
        fields["host"] = re.sub("^https?://", "", str(fields["host"]))
    return fields


def _connection(name: str, *, is_database_read: bool) -> Connection:
    try:
        return BaseHook.get_connection(name)
    except AirflowNotFoundException:
        missing = "Airflow has no such connection; add it, or set the variable"
        why = why_not_stored(name) if is_database_read else ""
        raise LookupError(why or f"{missing} AIRFLOW_CONN_{name.upper()}") from None


def _has_database() -> bool:
    """Return whether Airflow's database is there; to read a file that is not would create it."""
    # In a task it is no URL of SQLAlchemy: Airflow forbids tasks to use the database.
    kind, _, place = conf.get("database", "sql_alchemy_conn").partition(":///")
    return not kind.startswith("sqlite") or Path(place.partition("?")[0]).is_file()


def _fields(connection: Connection) -> Iterator[tuple[str, Any]]:
    for field, attribute in _ATTRIBUTES.items():
        value = getattr(connection, attribute)
        if value not in (None, ""):
            yield field, value
    for key, value in connection.extra_dejson.items():
        if value not in (None, ""):
            name = _OLD_EXTRA.sub("", key)
            yield name, value
            if name in _ATTRIBUTES:
                yield f"extra.{name}", value


def _snowflake_account(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the account with its region, which Airflow keeps apart and dbt does not."""
    account, region = str(fields.get("account") or ""), str(fields.get("region") or "")
    return {"account": f"{account}.{region}"} if region and region not in account else {}


def _by_cosmos(name: str) -> dict[str, Any]:
    """Return what Cosmos's profile mapping makes of a connection, empty without Cosmos."""
    try:
        profiles = import_module("cosmos.profiles")
    except ImportError:
        return {}
    try:
        mapping = profiles.get_automatic_profile_mapping(name)
        profile = {key: value for key, value in mapping.profile.items() if key != "type"}
        return dict(_flat(profile, mapping.env_vars))
    except ValueError:
        return {}  # Cosmos has no mapping for the type, or the connection lacks a field.


def _flat(profile: Mapping[str, Any], secrets: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Yield each field of a profile, nested ones with dots, `env_var()` replaced by its value."""
    for key, value in profile.items():
        if isinstance(value, Mapping):
            yield from ((f"{key}.{name}", each) for name, each in _flat(value, secrets))
        elif isinstance(value, str) and (found := _REFERENCE.fullmatch(value)):
            yield key, secrets.get(found[1], "")
        else:
            yield key, value
