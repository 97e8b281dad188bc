"""Find the columns that identify a row of a node's table, as far as dbt knows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from floe_core.sql.names import unquote

Entry = Mapping[str, Any]


def keys_in(manifest: Entry) -> dict[str, list[tuple[str, ...]]]:
    """Return node id -> what identifies a row, the surest first (dbt manifest v12).

    That is a primary key, a combination of columns that is tested to be unique, a column that is,
    and the unique_key of an incremental model.
    """
    tested: dict[str, list[tuple[str, ...]]] = {}
    for entry in manifest["nodes"].values():
        for columns in _of_test(entry):
            tested.setdefault(str(entry.get("attached_node")), []).append(columns)
    return {
        unique_id: [
            *_of_constraints(entry),
            *sorted(tested.get(unique_id, []), key=len, reverse=True),
            *_of_config(entry),
        ]
        for unique_id, entry in manifest["nodes"].items()
        if entry["resource_type"] != "test"
    }


def _of_constraints(entry: Entry) -> Iterator[tuple[str, ...]]:
    for constraint in entry.get("constraints") or ():
        if constraint["type"] == "primary_key" and constraint.get("columns"):
            yield _names(constraint["columns"])
    for column in (entry.get("columns") or {}).values():
        if any(each["type"] == "primary_key" for each in column.get("constraints") or ()):
            yield (column["name"],)


def _of_test(entry: Entry) -> Iterator[tuple[str, ...]]:
    test = entry.get("test_metadata") or {}
    arguments = test.get("kwargs") or {}
    # A condition on the rows makes the column unique among those alone.
    if (entry.get("config") or {}).get("where"):
        return
    if test.get("name") == "unique" and entry.get("column_name"):
        yield (unquote(str(entry["column_name"])),)
    if test.get("name") == "unique_combination_of_columns":
        yield _names(arguments.get("combination_of_columns") or ())


def _of_config(entry: Entry) -> Iterator[tuple[str, ...]]:
    key = (entry.get("config") or {}).get("unique_key")
    # A snapshot has several rows of one key.
    if key and entry["resource_type"] == "model":
        yield _names([key] if isinstance(key, str) else key)


def _names(columns: Iterable[object]) -> tuple[str, ...]:
    return tuple(unquote(str(name)) for name in columns)
