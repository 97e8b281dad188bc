"""Let a profile take values from a connection of the orchestrator, and from files.

`host: connection:host`, `port: connection:port?5432` and `password: file:/run/secrets/pw` become
references to environment variables, which a run sets inside its own process: see
`floe_core.warehouse.outside_values`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from floe_core.foundation.errors import InvalidProductError, Problem
from floe_core.schemas.policies import CONNECTION, OPTIONAL

_FILE = "file:"
# What a connection gives to an adapter, unless `config` says otherwise.
_USUAL = ("host", "port", "user", "password")
_OF_ADAPTER: dict[str, tuple[str, ...]] = {
    "snowflake": ("account", "user", "password"),
    "databricks": ("host", "http_path", "token"),
    "bigquery": (),
    "duckdb": (),
    "sqlite": (),
}
# Names of databases and schemas are in the graph, so they are known when the product is compiled.
_IN_GRAPH = frozenset({"dbname", "database", "schema", "project", "dataset", "catalog", "path"})
_DATABASE = {"postgres": "dbname", "redshift": "dbname", "snowflake": "database"}
_NUMBERS = frozenset({"port", "connect_timeout", "keepalives_idle", "retries", "connect_retries"})


def refer_to_values(
    output: dict[str, Any], connection: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a profile's output with references in place of values, and variable -> source.

    A source is `connection:NAME#FIELD` or `file:/PATH`. `connection` is "" for none.

    Raises:
        InvalidProductError: A value cannot come from there; it lists every problem.
    """
    fields = _OF_ADAPTER.get(output["type"], _USUAL) if connection else ()
    given = {**{field: f"{CONNECTION}{field}" for field in fields}, **output}
    if problems := [Problem(*each) for each in _problems(given, connection)]:
        raise InvalidProductError(problems)
    sources: dict[str, str] = {}
    return {
        key: _referring(key, value, connection, sources) for key, value in given.items()
    }, sources


def _problems(output: dict[str, Any], connection: str) -> Iterator[tuple[str, str]]:
    references = [(key, text) for key, text in _texts(output, "") if text.startswith(CONNECTION)]
    for key, text in references:
        if key in _IN_GRAPH:
            what = f"config.{key}: it is part of the names of tables, so it can't be '{text}'"
            yield what, "write the name itself"
        if not connection:
            yield f"config.{key}: '{text}', but no connection is named", "add `connection: NAME`"
    if connection and not references:
        what = f"config takes nothing from the connection '{connection}'"
        yield what, "name its fields, as in `token: connection:password`"
    database = _DATABASE.get(output["type"], "schema")
    missing = [key for key in dict.fromkeys((database, "schema")) if not output.get(key)]
    if connection and output["type"] in _DATABASE and missing:
        what = f"config lacks {' and '.join(missing)}, which a connection does not decide"
        yield what, "they are part of the names of tables: add them to `config`"


def _texts(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """Yield (key, text) for each text at any depth; the key is the nearest one."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _texts(each, str(name))
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each, key)
    elif isinstance(value, str):
        yield key, value


def _referring(key: str, value: Any, connection: str, sources: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _referring(name, each, connection, sources) for name, each in value.items()}
    if isinstance(value, list):
        return [_referring(key, each, connection, sources) for each in value]
    if not isinstance(value, str):
        return value
    source, variable = _source_of(value, connection)
    if not variable:
        return value
    if source and not (source.endswith(OPTIONAL) and variable in sources):
        sources[variable] = source
    if source.endswith(OPTIONAL):
        return _optional(key, variable, value.partition(OPTIONAL)[2])
    return f"{{{{ env_var('{variable}'){' | as_number' if key in _NUMBERS else ''} }}}}"


def _optional(key: str, variable: str, default: str) -> str:
    """Return a reference to a variable that may be empty. None is to dbt a field that is absent."""
    is_flag = default in ("True", "False")
    kind = "as_number" if key in _NUMBERS else "as_native" if is_flag else "as_text"
    quoted = default.replace("\\", "\\\\").replace("'", "\\'")
    other = f"'{quoted}' | {kind}" if default else "'None' | as_native"
    found = f"env_var('{variable}', '')"
    return f"{{{{ {found} | {kind} if {found} else {other} }}}}"


def _source_of(value: str, connection: str) -> tuple[str, str]:
    """Return where a value is and the variable that stands for it; "" for what is a value."""
    if value.startswith("env:"):
        return "", value.removeprefix("env:")
    if value.startswith(CONNECTION):
        field, mark, _ = value.removeprefix(CONNECTION).partition(OPTIONAL)
        variable = f"FLOE_CONNECTION_{_as_name(connection)}_{_as_name(field)}"
        return f"{CONNECTION}{connection}#{field}{mark}", variable
    if re.match(rf"{_FILE}/[^/]", value):
        return value, f"FLOE_FILE_{_as_name(value.removeprefix(_FILE).strip('/'))}"
    return "", ""


def _as_name(text: str) -> str:
    """Return a text as a part of a variable's name, another one for each text."""
    name = re.sub(r"\W", "_", text, flags=re.ASCII)
    mark = "" if name == text.lower() else f"_{hashlib.sha256(text.encode()).hexdigest()[:6]}"
    return f"{name}{mark}".upper()
